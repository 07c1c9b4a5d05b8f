import Foundation
import Testing

@testable import WebAPI

/// The document says what there is.
@Suite struct OpenAPITests {
    private struct Document: Decodable {
        struct Operation: Decodable {
            struct Parameter: Decodable {
                var name: String
                var `in`: String
            }
            var operationId: String
            var parameters: [Parameter]?
            var responses: [String: Empty]
            var security: [Empty]?
        }
        struct Empty: Decodable {}
        var openapi: String
        var paths: [String: [String: Operation]]
    }

    private static func document() throws -> Document {
        try JSONDecoder().decode(Document.self, from: Data(OpenAPI.document))
    }

    @Test func everyRouteStandsInItAndNothingElse() throws {
        let document = try Self.document()
        #expect(document.openapi == "3.1.0")
        let described = document.paths.flatMap { path, methods in methods.keys.map { "\($0.uppercased()) \(path)" } }
        #expect(described.sorted() == Route.all.map { "\($0.method) \($0.path)" }.sorted())
        let names = document.paths.values.flatMap { $0.values.map(\.operationId) }
        #expect(Set(names).count == names.count)
    }

    @Test func itSaysWhoMayAskAndWhatIsAnswered() throws {
        let document = try Self.document()
        for route in Route.all {
            let operation = try #require(document.paths[route.path]?[route.method.lowercased()])
            let place = "\(route.method) \(route.path)"
            #expect((operation.security?.isEmpty == true) == (route.access == .open), "\(place)")
            #expect((operation.responses["401"] != nil) == (route.access != .open), "\(place)")
            #expect(operation.responses["403"] != nil, "\(place)")
            #expect((operation.responses["202"] != nil) == (route.method == "POST"), "\(place)")
            let inPath = operation.parameters?.filter { $0.in == "path" }.map(\.name) ?? []
            #expect(inPath == (route.path.contains("{name}") ? ["name"] : []), "\(place)")
            #expect((operation.responses["404"] != nil) == route.path.contains("{name}"), "\(place)")
        }
    }

    /// What it refers to is there.
    @Test func referencesLeadSomewhere() throws {
        let text = String(decoding: OpenAPI.document, as: UTF8.self)
        let whole = try #require(try JSONSerialization.jsonObject(with: Data(OpenAPI.document)) as? [String: Any])
        let references = text.matches(of: /"\$ref": "#\/([^"]+)"/).map { String($0.output.1) }
        #expect(references.count > 20)
        for reference in Set(references) {
            let end = reference.split(separator: "/").reduce(whole as Any?) { ($0 as? [String: Any])?[String($1)] }
            #expect(end != nil, "\(reference)")
        }
    }
}
