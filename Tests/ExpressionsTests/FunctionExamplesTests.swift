import Declaration
import Testing

@testable import Dataflow
@testable import Expressions

@Suite struct FunctionExamplesTests {
    private static let start = SourceLocation(file: "t", line: 1, column: 1)
    private static let schema = RecordSchema(fields: [], eventTimeColumn: nil)

    /// What an expression without fields is worth, as text; nil is null.
    static func value(of text: String) throws -> String? {
        let typed = try Expression.parse("(\(text))::text", at: start).check(against: schema)
        guard case .text(let bytes)? = typed.makeEvaluator().constantValue() else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: FunctionCatalog.all.map(\.name))
    func examplesOfTheDocumentationHold(name: String) throws {
        let function = try #require(FunctionCatalog[name])
        #expect(!function.examples.isEmpty, "\(name) has no example")
        for example in function.examples {
            let value = try Self.value(of: example.call)
            #expect(value == example.value, "\(example.call) is \(value ?? "null")")
        }
    }

    @Test func thereAreSixtyFunctions() {
        #expect(FunctionCatalog.all.count >= 60)
    }

    @Test func everySummaryIsASentence() {
        for function in FunctionCatalog.all {
            #expect(function.summary.hasSuffix("."), "\(function.name)")
            #expect(function.name == function.name.lowercased())
        }
    }

    /// What stands in the table of other languages' functions must be there under that name only, and advice must parse.
    @Test func adviceForForeignFunctionsIsOfFunctionsThatThereAre() throws {
        for name in ["ifnull", "nvl", "datediff", "regexp_extract", "instr", "pow", "len", "sha2", "now", "count"] {
            #expect(FunctionCatalog[name] == nil && ForeignFunctions.hint(for: name) != nil, "\(name)")
        }
    }
}
