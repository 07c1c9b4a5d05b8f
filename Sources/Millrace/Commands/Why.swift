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
        Answer(topology: status.topology, isWell: status.isWell, reasons: status.reasons.map(\.text))
    }

    func run() async throws {
        let name = topology
        let status = try await catalog.withCatalog(isQuick: true, look: .init()) { catalog in
            try TopologyStatus.all(&catalog, named: name)[0]
        }
        let answer = Self.answer(status)
        if catalog.json {
            JSONAnswer.print(answer)
        } else {
            for reason in answer.reasons { print("\(name): \(reason)") }
        }
        if !answer.isWell { throw ExitCode(3) }
    }
}
