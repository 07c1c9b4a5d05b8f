import Dataflow
import Declaration
import Foundation
import Testing

@testable import Millrace
@testable import Nodes

/// Every default stands in one place: a file that gives a default says the same as one that does not.
@Suite struct DefaultsTests {
    /// A field that has a default, and where in a topology file it may be given.
    struct Place: Sendable, CustomStringConvertible {
        var description: String
        var text: String
        var put: @Sendable (String) -> String
    }

    /// All fields of the catalog that have a default, the ones inside maps included.
    private static var places: [Place] {
        var found = NodeCatalog.settings.compactMap { field in
            field.defaultText.map { text in
                Place(description: field.name, text: text) { topology(settings: "\(field.name): \($0)\n") }
            }
        }
        for spec in NodeCatalog.specs {
            for field in spec.fields {
                if let text = field.defaultText {
                    found.append(
                        Place(description: "\(spec.name).\(field.name)", text: text) {
                            topology(fields: [spec.name: ", \(field.name): \($0)"])
                        })
                }
                for inner in innerFields(field.type) {
                    guard let text = inner.defaultText else { continue }
                    found.append(
                        Place(description: "\(spec.name).\(field.name).\(inner.name)", text: text) {
                            topology(inner: ["\(spec.name).\(field.name)": ", \(inner.name): \($0)"])
                        })
                }
            }
        }
        return found
    }

    private static func innerFields(_ type: SpecType) -> [FieldSpec] {
        switch type {
        case .object(let fields), .shorthandObject(_, let fields): fields
        case .map(let inner), .list(let inner): innerFields(inner)
        default: []
        }
    }

    private static func topology(
        settings: String = "", fields: [String: String] = [:], inner: [String: String] = [:]
    ) -> String {
        func more(_ name: String) -> String { fields[name] ?? "" }
        return """
            topology: t
            \(settings)nodes:
              events: { kafka: { brokers: "b:1", topics: [t]\(more("kafka")) } }
              files: { file: { paths: [a]\(more("file")) } }
              records: { from: events, parse_json: { each: { path: rs\(inner["parse_json.each"] ?? "") }, \
            fields: { k: { type: text\(inner["parse_json.fields"] ?? "") } }\(more("parse_json")) } }
              lines: { from: files, parse_json: { fields: { k: text } } }
              some: { from: records, filter: { where: "k == 'x'"\(more("filter")) } }
              kpi: { from: some, summarize: { by: [k], metrics: { n: { metric: count()\(inner["summarize.metrics"] ?? "") } }\(more("summarize")) } }
              ran: { from: some, exec: { command: [a], add: { f: { type: text\(inner["exec.add"] ?? "") } }\(more("exec")) } }
              rows: { from: ran, summarize: { by: [f], metrics: { n: count() } } }
              seen: { from: rows, console: {} }
              all: { from: lines, summarize: { by: [k], metrics: { n: count() } } }
              out: { from: kpi, postgres: { url: "postgresql://h/d", table: t, after_commit: { command: [a]\(inner["postgres.after_commit"] ?? "") }\(more("postgres")) } }
              show: { from: all, console: { max_rows: 7\(more("none")) } }
              more: { from: all, console: {\(more("console").dropFirst(2))} }
            """
    }

    /// What a file comes to, as text.
    private static func compiled(_ text: String) throws -> String {
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        let found = try #require(topology, "\(diagnostics)\n\(text)")
        var shown = ""
        dump(found, to: &shown)
        // Whether a value was given is the one thing that may differ.
        let places = ["isDefault", "t.yaml:", "- file:", "- line:", "- column:"]
        return shown.split(separator: "\n").filter { line in !places.contains { line.contains($0) } }
            .joined(separator: "\n")
    }

    @Test func aGivenDefaultIsTheDefault() throws {
        let plain = try Self.compiled(Self.topology())
        let places = Self.places
        #expect(places.count >= 12, "\(places)")
        for place in places {
            #expect(try Self.compiled(place.put(place.text)) == plain, "\(place): \(place.text)")
        }
    }

    /// The canary of the test above: another value is seen.
    @Test func anotherValueIsNotTheDefault() throws {
        let plain = try Self.compiled(Self.topology())
        for (name, value) in [
            ("memory", "1GiB"), ("commit_interval", "1s"), ("batch_bytes", "64KiB"), ("batch_messages", "5"),
            ("kafka.start", "latest"), ("kafka.format", "lines"), ("parse_json.fields.max_bytes", "5"),
            ("parse_json.fields.required", "true"), ("parse_json.each.optional", "true"),
            ("parse_json.fields.on_type_error", "null"),
            ("parse_json.max_depth", "5"), ("parse_json.max_record_bytes", "2MiB"), ("console.max_rows", "5"),
            ("postgres.shared", "true"), ("exec.timeout", "1s"), ("exec.tries", "7"), ("exec.mode", "batch"),
            ("exec.add.max_bytes", "5"), ("postgres.after_commit.rows", "false"),
            ("postgres.after_commit.timeout", "5s"),
        ] {
            let place = try #require(Self.places.first { $0.description == name }, "\(name)")
            #expect(try Self.compiled(place.put(value)) != plain, "\(name)")
        }
    }

    @Test func theEnginesDefaultsAreTheSpecs() throws {
        let found = try #require(
            TopologyLoader(environment: [:]).load(text: Self.topology(), from: "t.yaml").topology)
        #expect(found.memoryBytes == Limits.memoryDefault)
        #expect(found.batchBytes.value == Limits.batchBytes && found.batchBytes.isDefault)
        #expect(found.batchMessages == Limits.batchMessagesMax)
        #expect(found.commitInterval.value == Limits.commitInterval && found.commitInterval.isDefault)
    }
}
