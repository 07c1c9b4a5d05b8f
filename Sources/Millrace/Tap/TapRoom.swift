import Dataflow
import Declaration
import Foundation
import Synchronization
import WebAPI

/// The taps of a process, by the topologies that run in it.
final class TapRoom: Sendable {
    private struct Running {
        var pipeline: Pipeline
        var fields: [String: [RecordSchema.Field]]
    }

    private struct State {
        var running: [String: Running] = [:]
        var open: [TapQuery: OpenTap] = [:]
    }

    private let state = Mutex(State())

    /// A topology runs.
    func begin(_ topology: CompiledTopology, _ pipeline: Pipeline) {
        let fields = Dictionary(topology.stages.map { ($0.name, $0.fields) }) { $1 }
        state.withLock { $0.running[topology.name] = Running(pipeline: pipeline, fields: fields) }
    }

    /// It does not any more.
    func end(_ topology: String) {
        state.withLock { state in
            state.running[topology] = nil
            state.open = state.open.filter { $0.key.topology != topology }
        }
    }

    /// What has passed a node since somebody asked last; opens a tap for the first who asks.
    func answer(_ query: TapQuery) -> HTTPResponse {
        do throws(HTTPResponse) {
            return .json(try tap(query).read(after: query.after).json)
        } catch {
            return error
        }
    }

    private func tap(_ query: TapQuery) throws(HTTPResponse) -> OpenTap {
        var key = query
        key.after = nil
        return try state.withLock { state throws(HTTPResponse) -> OpenTap in
            let now = ContinuousClock.now
            for (key, tap) in state.open where tap.isIdle(at: now) {
                tap.close()
                state.open[key] = nil
            }
            if let open = state.open[key] { return open }
            guard let running = state.running[query.topology] else {
                throw .error(404, "not-running", "topology \(query.topology) does not run in this process")
            }
            guard let tap = running.pipeline.tap(of: query.node), let fields = running.fields[query.node] else {
                let known = running.fields.keys.sorted().joined(separator: ", ")
                throw .error(
                    404, "unknown-node",
                    "topology \(query.topology) has no node \(query.node) that records pass, expected one of \(known)")
            }
            guard state.open.count < TapLimits.taps else {
                throw .error(409, "too-many-taps", "\(TapLimits.taps) taps are open in this process; close another one")
            }
            let masked = MaskedNames.among(fields.map(\.name), mask: query.mask, show: query.show)
            // Numbers go on where those of a tap before this one cannot have come to.
            let first = Int64(Date.now.timeIntervalSince1970 * 1e6)
            let open = OpenTap(tap, fields, masked: masked, rate: query.rate, first: first)
            state.open[key] = open
            return open
        }
    }
}
