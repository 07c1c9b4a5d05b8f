import Foundation
import LookupSources
import Lookups
import Platform
import Testing
import ZlibTesting

/// Dimensions in files: what is read, and what a message says of what cannot be.
@Suite struct FileSourceTests {
    private static let fields = [
        DimensionField("id", .integer), DimensionField("name", .text), DimensionField("price", .decimal(scale: 2)),
        DimensionField("ratio", .double), DimensionField("on", .boolean), DimensionField("at", .timestamp),
    ]

    @Test func aCSVFileOfEveryType() throws {
        let file = try TemporaryFile(
            """
            \u{feff}at,ignored,name,id,price,ratio,on\r
            2026-01-02T03:04:05.678901Z,x,"Müller, ""Sons""\r
            second line",42,-4.5,1e-3,true\r

            2026-01-02,,"",-9223372036854775808,92233720368547758.07,NaN,0
            ,,,,,,
            1969-12-31 23:59:59.5+01:00,x,plain,+7,4,Infinity,F
            """)
        let rows = try read(CSVSource(path: file.path), Self.fields)
        #expect(rows.count == 4)
        #expect(
            rows[0] == [
                .integer(42), .text("Müller, \"Sons\"\r\nsecond line"), .integer(-450), .double(0.001), .integer(1),
                .integer(1_767_323_045_678_901),
            ])
        #expect(Array(rows[1][0...2]) == [.integer(.min), .text(""), .integer(.max)])
        guard case .double(let ratio) = rows[1][3] else { Issue.record("no double"); return }
        #expect(ratio.isNaN)
        #expect(rows[1][5] == .integer(1_767_312_000_000_000))
        #expect(rows[2] == Array(repeating: .null, count: 6))
        #expect(
            rows[3] == [
                .integer(7), .text("plain"), .integer(400), .double(.infinity), .integer(0), .integer(-3_600_500_000),
            ])
    }

    @Test(arguments: [
        ("", "PATH: the file is empty, expected a first line that names the columns"),
        ("id,nam\n1,x\n", "PATH:1: no column name, found id, nam"),
        ("id,name,name\n", "PATH:1: two columns are named name; rename one of them"),
        (
            "id,name\n1,a\n2\n",
            "PATH:3: 1 fields, expected 2 as in the first line; put fields that hold a delimiter in quotes"
        ),
        (
            "id,name\n1,a\n\n12x,b\n",
            "PATH:4: column id: no integer, found '12x', expected a whole number of 64 bits such as 42"
        ),
        (
            "id,name\n9223372036854775808,b\n",
            "PATH:2: column id: no integer, found '9223372036854775808', expected a whole "
                + "number of 64 bits such as 42"
        ),
        (
            "id,name\n1,\"a\nb\n",
            "PATH:2: a quote is opened and never closed; close it, or write it twice"
        ),
        (
            "id,name\n1,a \"b\"\n",
            "PATH:2: field 2: a quote in a field that does not begin with one; put the field in quotes, and write those in it "
                + "twice"
        ),
        (
            "id,name\n1,\"a\nb\"c\n",
            "PATH:3: field 2: text behind its closing quote; write quotes in a field twice"
        ),
        ("id,name\n1,a\rb\n", "PATH:2: a carriage return without a line feed; end lines with LF or CR LF"),
    ])
    func whatIsNoCSVIsNamedWithItsLine(text: String, message: String) throws {
        let file = try TemporaryFile(text)
        let error = #expect(throws: LookupError.self) {
            _ = try read(CSVSource(path: file.path), Array(Self.fields[0...1]))
        }
        #expect(error?.message == message.replacingOccurrences(of: "PATH", with: file.path))
    }

    /// U+0000 is UTF-8, and nothing that Postgres stores.
    @Test(arguments: [[0xff], [0x41, 0], [0x41, 0, 0x42]] as [[UInt8]])
    func textThatIsNoneIsNamed(bytes: [UInt8]) throws {
        let file = try TemporaryFile(bytes: Array("id,name\n1,".utf8) + bytes + Array("\n".utf8))
        let error = #expect(throws: LookupError.self) {
            _ = try read(CSVSource(path: file.path), Array(Self.fields[0...1]))
        }
        #expect(error?.message.hasPrefix("\(file.path):2: column name: no text, found ") == true)
    }

    /// A pipe can be read once only, and one that nobody writes into would be waited for.
    @Test func aPipeIsRefusedAtOnce() throws {
        let file = try TemporaryFile(bytes: [])
        let path = file.path + ".pipe"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        defer { _ = unsafe unlink(path) }
        let error = #expect(throws: LookupError.self) { _ = try read(CSVSource(path: path), Self.fields) }
        #expect(error?.message.hasPrefix("\(path): it is no regular file, expected one") == true)
    }

    @Test func aFileThatIsNotThereIsNamed() throws {
        for source in [CSVSource(path: "/nowhere/x.csv") as any DimensionSource, NDJSONSource(path: "/nowhere/x.csv")] {
            let error = #expect(throws: LookupError.self) { _ = try read(source, Self.fields) }
            #expect(
                error?.message
                    == "/nowhere/x.csv: the file cannot be opened: No such file or directory; check its path, which is taken "
                    + "from the working directory, and its permissions")
            #expect(error?.isRetryable == false)
        }
    }

    @Test(arguments: [
        ("1", DimensionType.decimal(scale: 2), Int64(100)), ("0.10", .decimal(scale: 1), 1),
        ("-0.07", .decimal(scale: 2), -7),
        (".5", .decimal(scale: 1), 5), ("5.", .decimal(scale: 1), 50),
        ("-92233720368547758.08", .decimal(scale: 2), .min),
        ("2024-02-29", .timestamp, 1_709_164_800_000_000),
        ("0001-01-01T00:00:00Z", .timestamp, -62_135_596_800_000_000),
        ("2026-01-02 03:04:05+00", .timestamp, 1_767_323_045_000_000),
        ("2026-01-02T03:04:05.1234567-0230", .timestamp, 1_767_332_045_123_456), ("T", .boolean, 1),
        ("false", .boolean, 0), ("yes", .boolean, 1), ("OFF", .boolean, 0),
        // As parse_json reads them with accept: text.
        ("1.005", .decimal(scale: 2), 101), ("-1.005", .decimal(scale: 2), -101), ("1e2", .decimal(scale: 2), 10_000),
        ("1.0", .integer, 1), ("\" 1\"", .integer, 1),
    ])
    func valuesAreReadExactly(text: String, type: DimensionType, value: Int64) throws {
        let file = try TemporaryFile("v\n\(text)\n")
        #expect(try read(CSVSource(path: file.path), [DimensionField("v", type)]) == [[.integer(value)]])
    }

    @Test(arguments: [
        ("1.2.3", DimensionType.decimal(scale: 2)), ("-", .integer), ("1.5", .integer), ("1 2", .integer),
        ("", .integer),
        ("o", .boolean), ("92233720368547758.08", .decimal(scale: 2)), ("2025-02-29", .timestamp),
        ("2026-01-02T24:00:00Z", .timestamp), ("02.01.2026", .timestamp), ("2", .boolean), ("0x10", .double),
        ("1,5", .double),
    ])
    func valuesThatAreNoneAreRefused(text: String, type: DimensionType) throws {
        let file = try TemporaryFile("v\n\"\(text)\"\n")
        let error = #expect(throws: LookupError.self) {
            _ = try read(CSVSource(path: file.path), [DimensionField("v", type)])
        }
        #expect(error?.code == .value)
        #expect(
            error?.message.hasPrefix("\(file.path):2: column v: no \(type.name), found '\(text)', expected ") == true)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func randomTablesSurviveCSVAndNDJSON(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let fields = [DimensionField("a", .text), DimensionField("b", .integer)]
        for rows in [0, 1, 100, 20_000] {
            let alphabet = ["a", "\"", ",", "\n", "\r\n", "é", "🎮", " ", "\\", "{"]
            let values: [[DimensionCell]] = (0..<rows).map { _ in
                let text = (0..<random.below(30)).map { _ in random.pick(alphabet) }.joined()
                return [
                    random.chance(10) ? .null : .text(text), .integer(Int64.random(in: .min ... .max, using: &random)),
                ]
            }
            let csv = try TemporaryFile(Self.csv(values, end: random.pick(["\n", "\r\n"])))
            #expect(try read(CSVSource(path: csv.path), fields) == values, "seed \(seed)")
            let json = try TemporaryFile(Self.json(values))
            #expect(try read(NDJSONSource(path: json.path), fields) == values, "seed \(seed)")
        }
    }

    private static func csv(_ rows: [[DimensionCell]], end: String) -> String {
        rows.reduce(into: "b,a\(end)") { text, row in
            guard case .integer(let number) = row[1] else { return }
            text += "\(number),"
            if case .text(let value) = row[0] {
                text += "\"" + value.replacingOccurrences(of: "\"", with: "\"\"") + "\""
            }
            text += end
        }
    }

    private static func json(_ rows: [[DimensionCell]]) -> String {
        rows.reduce(into: "") { text, row in
            guard case .integer(let number) = row[1] else { return }
            text += "{\"other\":[1,{}],\"b\":\(number),\"a\":"
            if case .text(let value) = row[0] {
                var escaped = ""
                for scalar in value.unicodeScalars {
                    switch scalar {
                    case "\"", "\\": escaped += "\\\(scalar)"
                    case "\n": escaped += "\\n"
                    case "\r": escaped += "\\r"
                    default: escaped.unicodeScalars.append(scalar)
                    }
                }
                text += "\"\(escaped)\""
            } else {
                text += "null"
            }
            text += "}\n"
        }
    }

    @Test func ndjsonOfEveryTypeAndNestedPaths() throws {
        let file = try TemporaryFile(
            """
            {"id":1,"o":{"name":"x"},"price":4.5,"ratio":0.5,"on":true,"at":"2026-01-02T03:04:05.678901Z"}

            {"id":2}
            """)
        var fields = Self.fields
        fields[1].name = "o.name"
        let rows = try read(NDJSONSource(path: file.path), fields)
        let marked = try TemporaryFile("\u{feff}" + String(contentsOfFile: file.path, encoding: .utf8))
        #expect(try read(NDJSONSource(path: marked.path), fields) == rows)
        #expect(try read(FileRows.source(of: marked.path), fields) == rows)
        let empty = try TemporaryFile("\u{feff}")
        #expect(try read(NDJSONSource(path: empty.path), fields).isEmpty)
        #expect(
            rows == [
                [.integer(1), .text("x"), .integer(450), .double(0.5), .integer(1), .integer(1_767_323_045_678_901)],
                [.integer(2), .null, .null, .null, .null, .null],
            ])
    }

    /// By what it holds, whatever it is called; members behind one another are one file.
    @Test func gzipIsReadAsWhatIsInIt() throws {
        let fields = [DimensionField("id", .integer), DimensionField("name", .text)]
        let csv = "\u{feff}id,name\n" + (0..<3_000).map { "\($0),name \($0)\n" }.joined()
        let json = (0..<3_000).map { "{\"id\":\($0),\"name\":\"name \($0)\"}\n" }.joined()
        for text in [csv, json] {
            let bytes = Array(text.utf8)
            for cut in [1, 40_000] {
                let (first, rest) = (Array(bytes.prefix(cut)), bytes.dropFirst(cut))
                let members =
                    [first]
                    + stride(from: rest.startIndex, to: rest.endIndex, by: 60_000).map {
                        Array(rest[$0..<min($0 + 60_000, rest.endIndex)])
                    }
                let packed = try TemporaryFile(bytes: members.flatMap { Gzip.member($0) } + [0, 0, 0])
                let source = try FileRows.source(of: packed.path)
                #expect((source is CSVSource) == (text == csv))
                let rows = try read(source, fields)
                #expect(rows.count == 3_000 && rows[2_999] == [.integer(2_999), .text("name 2999")])
            }
        }
        let nothing = try TemporaryFile(bytes: Gzip.member(""))
        #expect(try read(NDJSONSource(path: nothing.path), fields).isEmpty)
    }

    @Test func gzipThatIsNoGoodIsNamed() throws {
        let fields = [DimensionField("id", .integer)]
        let csv = Gzip.member("id\n" + (0..<9_000).map { "\($0)\n" }.joined())
        let json = Gzip.member((0..<4_000).map { "{\"id\":\($0)}\n" }.joined())
        for (bytes, isCSV) in [(csv, true), (json, false)] {
            var damaged = bytes
            damaged[bytes.count - 8] ^= 1
            for (part, reason) in [
                (
                    Array(bytes.dropLast(9)),
                    "its gzip data is cut short: it ends at byte \(bytes.count - 9), in the middle; "
                ),
                (Array(bytes.prefix(6)), "its gzip data is cut short: it ends at byte 6, in the middle; "),
                (damaged, "its gzip data is damaged at about byte "),
                (
                    bytes + Array("tail".utf8),
                    "the bytes behind its gzip data, from byte \(bytes.count) on, are neither"
                ),
            ] {
                let file = try TemporaryFile(bytes: part)
                let error = #expect(throws: LookupError.self) {
                    _ = try read(isCSV ? CSVSource(path: file.path) : NDJSONSource(path: file.path), fields)
                }
                #expect(error?.message.hasPrefix("\(file.path): \(reason)") == true, "\(error?.message ?? "")")
                #expect(error?.code == .source && error?.isRetryable == false)
            }
        }
    }

    @Test func whatIsNoNDJSONIsNamedWithItsLine() throws {
        let good = String(repeating: "{\"id\":1}\n", count: 9_000)
        for (line, reason) in [
            ("{\"id\":\"x\"}", "id at byte 6: wrong type, found text, expected an integer of 64 bits"),
            ("{\"id\":1", "ends after 7 bytes, before its value is complete"),
            ("[1]", "found an array, expected an object"),
        ] {
            let file = try TemporaryFile(good + "\n" + line + "\n" + good)
            let error = #expect(throws: LookupError.self) {
                _ = try read(NDJSONSource(path: file.path), [DimensionField("id", .integer)])
            }
            #expect(error?.message.hasPrefix("\(file.path):9002: \(reason)") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aLongLineIsReadWhole() throws {
        let text = String(repeating: "é", count: 30_000)
        let padding = String(repeating: " ", count: 600_000)
        let file = try TemporaryFile("{\"a\":\"x\"}\n{\(padding)\"a\":\"\(text)\"}\n{\"a\":\"y\"}")
        let rows = try read(NDJSONSource(path: file.path), [DimensionField("a", .text)])
        #expect(rows == [[.text("x")], [.text(text)], [.text("y")]])
    }
}

/// All rows of a source, numbers of all kinds but doubles as integers.
func read(_ source: any DimensionSource, _ fields: [DimensionField]) throws -> [[DimensionCell]] {
    // A table keyed by the number of the row would need one; so the rows are listened to.
    let listener = Listener(source: source, fields: fields)
    return try listener.rows()
}

/// Reads through a table whose key is a row's number, since a row tells its values to tables only.
private struct Listener {
    var source: any DimensionSource
    var fields: [DimensionField]

    func rows() throws -> [[DimensionCell]] {
        let schema = DimensionSchema(keys: [DimensionField("row", .integer)], cells: fields)
        let table = DimensionTable(name: "listener", schema: schema)
        let generation = try table.load(from: Numbered(source: source))
        let snapshot = table.snapshot()!
        var handles = [RowHandle](repeating: .missing, count: generation.rows)
        let numbers = (0..<generation.rows).map(Int64.init)
        guard !numbers.isEmpty else { return [] }
        unsafe numbers.withUnsafeBufferPointer { numbers in
            unsafe snapshot.find(
                [KeyColumn(.integers(numbers.baseAddress!))], count: generation.rows, into: &handles)
        }
        return handles.map { handle in
            fields.indices.map { column in
                if case .boolean(let flag) = snapshot.cell(column, of: handle) { return .integer(flag ? 1 : 0) }
                return snapshot.cell(column, of: handle)
            }
        }
    }
}

/// The rows of a source with their numbers in front.
private struct Numbered: DimensionSource {
    var source: any DimensionSource

    func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws {
        var numbered = DimensionRow(count: fields.count)
        var count: Int64 = 0
        try source.read(Array(fields.dropFirst())) { row in
            numbered.clear()
            numbered.set(0, integer: count)
            numbered.copy(row, from: 1)
            count += 1
            try emit(numbered)
        }
    }
}

/// A file that is gone when nobody needs it any more.
final class TemporaryFile {
    let path: String

    convenience init(_ text: String) throws { try self.init(bytes: Array(text.utf8)) }

    init(bytes: [UInt8]) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("lookup-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
