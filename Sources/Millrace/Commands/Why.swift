import ArgumentParser
import Catalog
import Foundation

/// `millrace why`: why does it not move?
struct Why: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say in a sentence why a topology moves, or does not.",
        discussion: "Exits with 0 when all is as it is wanted, with 3 when something is in the way.")

    @Argument(help: "The topology.")
    var topology: String

    @OptionGroup var catalog: CatalogOptions

    struct Answer: Encodable {
        var topology: String
        var isWell: Bool
        var reasons: [String]
    }

    /// What is said of a topology.
    static func answer(_ status: TopologyStatus) -> Answer {
        let reasons = reasons(status)
        return Answer(
            topology: status.topology, isWell: status.isWell && reasons.allSatisfy { !$0.isTrouble },
            reasons: reasons.map(\.text))
    }

    func run() async throws {
        let name = topology
        let status = try await catalog.withCatalog { catalog in try TopologyStatus.all(&catalog, named: name)[0] }
        let answer = Self.answer(status)
        if catalog.json {
            JSONAnswer.print(answer)
        } else {
            for reason in answer.reasons { print("\(name): \(reason)") }
        }
        if !answer.isWell { throw ExitCode(3) }
    }

    struct Reason: Equatable {
        var text: String
        /// Whether it is in the way of what is wanted.
        var isTrouble: Bool
    }

    /// What there is to say, the weightiest first; never nothing.
    static func reasons(_ status: TopologyStatus) -> [Reason] {
        var found: [Reason] = []
        for instance in status.instances where instance.state == .lost {
            found.append(
                Reason(
                    text:
                        "\(instance.daemon) has been silent for \(Int(instance.secondsSilent)) s: it was killed, or cannot "
                        + "reach this database; what it read and had not committed is read by the others",
                    isTrouble: false))
        }
        if status.state == .paused {
            return found + [
                Reason(text: "paused by \(status.changedBy) at \(status.changedAt); resume it", isTrouble: false)
            ]
        }
        guard status.isWell else {
            let reason = status.reason.isEmpty ? "" : ": \(status.reason)"
            let text = status.state == .halted ? status.reason : "\(status.state)\(reason)"
            return [Reason(text: text, isTrouble: true)] + found
        }
        if status.state == .ended {
            return found + [
                Reason(text: "its sources have ended, and everything they had is committed", isTrouble: false)
            ]
        }
        let alive = status.instances.filter { $0.state != .lost }
        for instance in alive {
            for trouble in Set(instance.snapshot.troubles).sorted() {
                found.append(Reason(text: "\(instance.daemon): \(trouble)", isTrouble: true))
            }
        }
        if found.contains(where: \.isTrouble) { return found }
        if status.rate > 0 {
            return found + [
                Reason(
                    text: "it moves: \(ProgressReporter.short(Int64(status.rate.rounded(.up)))) records a second",
                    isTrouble: false)
            ]
        }
        let partitions = alive.flatMap(\.snapshot.partitions).filter(\.isOurs)
        if partitions.isEmpty {
            return found + [
                Reason(
                    text:
                        "no process has a partition yet: they are being shared out, or other members of the consumer group "
                        + "have them all",
                    isTrouble: status.records == 0 && (status.lag ?? 0) > 0)
            ]
        }
        if let lag = status.lag, lag > 0 {
            return found + [
                Reason(
                    text: "\(ProgressReporter.count(lag)) records wait, and nothing says why they are not read",
                    isTrouble: true)
            ]
        }
        return found + [Reason(text: "idle: everything there is has been read and committed", isTrouble: false)]
    }
}
