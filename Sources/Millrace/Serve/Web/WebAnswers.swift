import Catalog
import Foundation
import Nodes
import WebAPI

extension WebOperation {
    /// Whether asking it changes what runs.
    var changesSomething: Bool {
        switch self {
        case .pause, .resume, .restart, .replay: true
        default: false
        }
    }
}

/// The answers to what is asked over HTTP: what the commands say under `--json`.
enum WebAnswers {
    /// A process, as `processes` shows it.
    private struct Process: Encodable {
        var name: String
        var program: String
        var memoryBytes: Int
        var startedAt: String
        var secondsSilent: Double
        var isLost: Bool

        init(_ daemon: DaemonRecord) {
            name = daemon.name
            program = daemon.program
            memoryBytes = daemon.memoryBytes
            startedAt = Moment.text(daemon.startedAt)
            secondsSilent = (daemon.secondsSilent * 10).rounded() / 10
            isLost = daemon.isLost
        }
    }

    /// The figures of all processes, and when the certificate of this one ends, if it has one.
    /// - Throws: `PostgresError` when the catalogue cannot be asked.
    static func metrics(
        _ catalog: inout Catalog, certificateEnd: Int64?, of process: String
    ) throws -> HTTPResponse {
        var families = Exposition.families(try TopologyStatus.all(&catalog), try catalog.daemons())
        if let certificateEnd { families.append(Exposition.certificate(end: certificateEnd, of: process)) }
        return HTTPResponse(contentType: Exposition.contentType, body: Exposition.text(of: families).utf8)
    }

    /// - Throws: `CatalogError` when there is no such topology, `PostgresError` when the catalogue cannot be asked.
    static func answer(
        _ operation: WebOperation, _ catalog: inout Catalog, _ readiness: Readiness, _ jobs: PageJobs
    ) throws -> HTTPResponse {
        switch operation {
        case .health, .document, .tap, .metrics: preconditionFailure("these are answered elsewhere")
        case .ready:
            let answer = readiness.answer(try catalog.deployments(), try catalog.states())
            return json(answer, status: answer.isReady ? 200 : 503)
        case .topologies: return json(try TopologyStatus.all(&catalog))
        case .topology(let name): return json(try TopologyStatus.all(&catalog, named: name)[0])
        case .versions(let name): return json(try ListCommand.versions(of: name, &catalog))
        case .log(let name, let count): return json(try Logs.newest(count, of: name, &catalog).map(Logs.row))
        case .why(let name): return json(Why.answer(try TopologyStatus.all(&catalog, named: name)[0]))
        case .deadLetters(let name):
            let found = try catalog.deadLetters(of: name)
            if found.isEmpty { _ = try TopologyStatus.all(&catalog, named: name) }
            return json(found)
        case .processes: return json(try catalog.daemons().map(Process.init))
        case .pause(let name): return try change(name, &catalog, Pause.change)
        case .resume(let name): return try change(name, &catalog, Resume.change)
        case .restart(let name): return try change(name, &catalog, Restart.change)
        case .replay(let name, let group, let isRehearsal):
            _ = try TopologyStatus.all(&catalog, named: name)
            let choice = ReplayChoice(cause: group.cause, node: group.node, field: group.field)
            guard try jobs.start(.replay(name, choice, isRehearsal: isRehearsal), by: person) else {
                return .error(409, "under-way", "another change that was begun here is under way; wait for its end")
            }
            return json(jobs.lastReplay(name), status: 202)
        case .lastReplay(let name):
            _ = try TopologyStatus.all(&catalog, named: name)
            return json(jobs.lastReplay(name))
        }
    }

    /// Who changes something, as the catalogue remembers it.
    private static var person: String { "http@\(ProcessInfo.processInfo.hostName)" }

    /// Changes a topology, and says how it is at this moment: processes take it up by themselves.
    private static func change(
        _ name: String, _ catalog: inout Catalog, _ change: (String, inout Catalog, String) throws -> String
    ) throws -> HTTPResponse {
        let outcome = try change(name, &catalog, person)
        let status = try TopologyStatus.all(&catalog, named: name)[0]
        let answer = ControlAnswer(topology: name, outcome: outcome, state: status.state, reason: status.reason)
        return json(answer, status: 202)
    }

    private static func json(_ value: some Encodable, status: Int = 200) -> HTTPResponse {
        .json(JSONAnswer.bytes(value), status: status)
    }
}
