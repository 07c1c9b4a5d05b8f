import Foundation
import Testing

/// The topologies that are shipped with a sample: what their comments tell to do works, and nothing of a sample is dead.
@Suite struct ShippedTopologiesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "../../topologies"
    ).standardizedFileURL

    private static let names = [
        "access_log", "ads", "audit_trail", "devices", "game_accounts", "page_views", "site_events",
    ]
    /// The rows of lookups, by topology: node and file.
    private static let rows = ["ads": "named=campaigns.csv"]

    @Test func everySampleHasItsTopology() throws {
        let samples = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path + "/samples")
        let files = Self.rows.values.compactMap { $0.split(separator: "=").last.map(String.init) }
        #expect(samples.sorted() == (Self.names.map { $0 + ".ndjson" } + files).sorted())
    }

    @Test(arguments: names)
    func theSampleRunsWithoutADeadLetter(name: String) async throws {
        try await onOwnThread {
            let (topology, sample) = ("\(Self.folder.path)/\(name).yaml", "\(Self.folder.path)/samples/\(name).ndjson")
            let rows = Self.rows[name]?.replacing("=", with: "=\(Self.folder.path)/samples/")
            let complaint = try Complaint.of(
                ["try", topology, "--events", sample, "--fail-on-dead", "--rows", "1"]
                    + (rows.map { ["--lookup", $0] } ?? []))
            #expect(complaint.exit == .code(0) && complaint.errors.isEmpty, "\(complaint.text)")
            #expect(
                complaint.output.contains("the first 1 of them") && !complaint.output.contains("remarks"),
                "\(complaint.text)")
            let text = try String(contentsOfFile: topology, encoding: .utf8)
            #expect(text.contains("millrace try topologies/\(name).yaml --events topologies/samples/\(name).ndjson"))
        }
    }
}
