import Foundation
import Testing

/// The topologies that are shipped with a sample: what their comments tell to do works, and nothing of a sample is dead.
@Suite struct ShippedTopologiesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "../../topologies"
    ).standardizedFileURL

    private static let names = ["access_log", "audit_trail", "devices", "game_accounts", "page_views"]

    @Test func everySampleHasItsTopology() throws {
        let samples = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path + "/samples")
        #expect(samples.sorted() == Self.names.map { $0 + ".ndjson" })
    }

    @Test(arguments: names)
    func theSampleRunsWithoutADeadLetter(name: String) async throws {
        try await onOwnThread {
            let (topology, sample) = ("\(Self.folder.path)/\(name).yaml", "\(Self.folder.path)/samples/\(name).ndjson")
            let complaint = try Complaint.of(["try", topology, "--events", sample, "--fail-on-dead", "--rows", "1"])
            #expect(complaint.exit == .code(0) && complaint.errors.isEmpty, "\(complaint.text)")
            #expect(
                complaint.output.contains("the first 1 of them") && !complaint.output.contains("remarks"),
                "\(complaint.text)")
            let text = try String(contentsOfFile: topology, encoding: .utf8)
            #expect(text.contains("millrace try topologies/\(name).yaml --events topologies/samples/\(name).ndjson"))
        }
    }
}
