import Foundation
import Logging
import Postgres
import WebAPI
import WebPage

/// What a process that serves a catalogue answers over HTTP.
final class WebServer: Sendable {
    /// The supervising thread waits for the catalogue's database for half a minute at most; one that has not gone round
    /// for so long does not go round any more.
    static let silenceMax = Duration.seconds(60)

    private let listener: WebListener
    private let desk: CatalogDesk

    /// Listens from now on.
    /// - Throws: when the address is taken, or there is no thread to be had.
    init(
        at address: ListenAddress, _ keeper: TLSKeeper?, _ gate: Gate, _ settings: ConnectionSettings,
        _ daemon: Daemon, _ logger: Logger
    ) throws {
        let desk = try CatalogDesk(settings, process: daemon.name, keeper, logger)
        self.desk = desk
        do {
            let page = PageGate(gate)
            listener = try WebListener(at: address, keeper: keeper) { request, reply in
                switch page.admit(request) {
                case .answer(let response): return reply.send(response)
                case .show(let view): return desk.ask(.show(view), reply)
                case .act(let action): return desk.ask(.act(action), reply)
                case nil: break
                }
                do throws(HTTPResponse) {
                    switch try gate.admit(request) {
                    case .tap(let query): reply.send(daemon.taps.answer(query))
                    case .document: reply.send(.json(OpenAPI.document))
                    case .health: reply.send(Self.health(daemon.pulse.silence()))
                    case .ready where daemon.isEnding:
                        reply.send(.error(503, "stopping", "this process commits what it has read, and ends"))
                    case let operation: desk.ask(.answer(operation), reply)
                    }
                } catch {
                    reply.send(error)
                }
            }
        } catch {
            desk.stop()
            throw error
        }
    }

    /// Where it listens.
    var address: ListenAddress { listener.address }

    /// Takes no more requests, and waits a little for answers that are on their way.
    func stop() {
        listener.stop()
        desk.stop()
    }

    private struct Health: Encodable {
        var isAlive: Bool
        var secondsSilent: Double
    }

    /// Whether the process does its work, by how long ago its supervising thread went round.
    static func health(_ silence: Duration) -> HTTPResponse {
        let seconds = (silence / .seconds(1) * 10).rounded() / 10
        let isAlive = silence < silenceMax
        return .json(
            JSONAnswer.bytes(Health(isAlive: isAlive, secondsSilent: seconds)), status: isAlive ? 200 : 503)
    }
}
