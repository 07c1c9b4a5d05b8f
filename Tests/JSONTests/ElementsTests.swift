import JSON
import Platform
import Testing

@Suite struct ElementsTests {
    /// A row: the number of its document, its values, and why it is bad.
    struct Row: Hashable {
        var document: Int
        var values: [Value]
        var error: DocumentError?
        var reason: String?
        /// The bytes of a bad element.
        var element: String?
        /// Which elements of the arrays it is, or lies in.
        var numbers: [UInt32]?
    }

    /// Parses documents into rows, with room for `room` rows at first.
    static func rows(
        _ documents: [String], _ fields: [FieldDeclaration], each elements: ElementArray, room: Int = 1
    ) -> [Row] {
        var parser = DocumentParser(fields: fields, takesObjectsOnly: true, elements: elements)
        return rows(documents, &parser, room: room)
    }

    static func rows(_ documents: [String], _ parser: inout DocumentParser, room: Int) -> [Row] {
        var bytes: [UInt8] = []
        var ranges: [DocumentRange] = []
        for document in documents {
            ranges.append(DocumentRange(offset: UInt32(bytes.count), length: UInt32(document.utf8.count)))
            bytes += Array(document.utf8) + [0x0a]
        }
        let length = bytes.count
        bytes += [UInt8](repeating: 0x7b, count: DocumentParser.capacity(forLength: length) - length)
        let arrayCount = parser.elements?.paths.count ?? 0
        var table = RowTable(fieldCount: parser.fields.count, arrayCount: arrayCount)
        table.grow(to: room)
        var (count, done, arena) = (0, 0, 0)
        repeat {
            if done > 0 || count > 0 || table.wasTried { table.grow(to: table.capacity * 2) }
            table.wasTried = true
            let capacity = table.capacity
            unsafe table.withPointers { columns, status, documentsOfRows, elements, numbers in
                var rows = unsafe ElementRows(
                    capacity: capacity, documents: documentsOfRows, elements: elements, numbers: numbers, count: count,
                    documentsDone: done, arenaUsed: arena)
                _ = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
                    unsafe ranges.withUnsafeBufferPointer { ranges in
                        unsafe columns.withUnsafeBufferPointer { columns in
                            unsafe parser.parseElements(
                                buffer: buffer.baseAddress!, length: length, capacity: buffer.count, documents: ranges,
                                columns: columns, status: status, rows: &rows)
                        }
                    }
                }
                (count, done, arena) = (rows.count, rows.documentsDone, rows.arenaUsed)
            }
        } while done < documents.count
        return (0..<count).map { row in
            let failure = parser.failure(of: row)
            let status = table.status[row]
            let element = failure?.element.map {
                String(decoding: bytes[Int($0.offset)..<Int($0.offset + $0.length)], as: UTF8.self)
            }
            let values = parser.fields.indices.map { field in
                table.valid[field][row] == 0
                    ? .none : Self.value(table.values[field], row, parser.fields[field].type, bytes)
            }
            precondition((status == 0) == (failure == nil), "status and failures differ")
            return Row(
                document: Int(table.documents[row]), values: values, error: DocumentError(rawValue: status),
                reason: failure?.description, element: element,
                numbers: Array(table.numbers[row * arrayCount..<(row + 1) * arrayCount]))
        }
    }

    private static func value(_ column: [UInt64], _ row: Int, _ type: FieldType, _ bytes: [UInt8]) -> Value {
        // Booleans take a byte each, everything else eight.
        if type == .boolean { return .boolean(column[row / 8] >> (8 * UInt64(row % 8)) & 0xff != 0) }
        let bits = column[row]
        switch type {
        case .text:
            let (offset, length) = (Int(bits & 0xffff_ffff), Int(bits >> 32))
            return .text(String(decoding: bytes[offset..<offset + length], as: UTF8.self))
        case .double: return .doubleBits(bits)
        default: return .integer(Int64(bitPattern: bits))
        }
    }

    /// Columns of eight bytes for all types but booleans, which the parser packs: read back through bytes.
    struct RowTable {
        var capacity = 0
        var wasTried = false
        var values: [[UInt64]]
        var valid: [[UInt8]]
        var status: [UInt8] = []
        var documents: [UInt32] = []
        var elements: [DocumentRange] = []
        var numbers: [UInt32] = []
        let arrayCount: Int

        init(fieldCount: Int, arrayCount: Int) {
            self.arrayCount = arrayCount
            values = Array(repeating: [], count: fieldCount)
            valid = Array(repeating: [], count: fieldCount)
        }

        mutating func grow(to room: Int) {
            for field in values.indices {
                values[field] += Array(repeating: 0xeeee_eeee_eeee_eeee, count: room - capacity)
                valid[field] += Array(repeating: 0xee, count: room - capacity)
            }
            status += Array(repeating: 0xee, count: room - capacity)
            documents += Array(repeating: .max, count: room - capacity)
            elements += Array(repeating: DocumentRange(offset: 0, length: 0), count: room - capacity)
            numbers += Array(repeating: 0xeeee_eeee, count: (room - capacity) * arrayCount)
            capacity = room
        }

        mutating func withPointers(
            _ body: (
                [ColumnPointers], UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt32>,
                UnsafeMutablePointer<DocumentRange>, UnsafeMutablePointer<UInt32>
            ) -> Void
        ) {
            var columns: [ColumnPointers] = unsafe []
            for field in values.indices {
                let place = UnsafeMutableRawPointer.allocate(byteCount: 8 * capacity, alignment: 8)
                let isValid = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
                unsafe values[field].withUnsafeBytes {
                    unsafe place.copyMemory(from: $0.baseAddress!, byteCount: $0.count)
                }
                unsafe isValid.initialize(from: valid[field], count: capacity)
                unsafe columns.append(ColumnPointers(values: place, valid: isValid))
            }
            unsafe status.withUnsafeMutableBufferPointer { status in
                unsafe documents.withUnsafeMutableBufferPointer { documents in
                    unsafe elements.withUnsafeMutableBufferPointer { elements in
                        unsafe numbers.withUnsafeMutableBufferPointer { numbers in
                            unsafe body(
                                columns, status.baseAddress!, documents.baseAddress!, elements.baseAddress!,
                                numbers.baseAddress!)
                        }
                    }
                }
            }
            for field in values.indices {
                let column = unsafe columns[field]
                unsafe values[field].withUnsafeMutableBytes {
                    unsafe $0.baseAddress!.copyMemory(from: column.values, byteCount: $0.count)
                }
                valid[field] = unsafe Array(UnsafeBufferPointer(start: column.valid, count: capacity))
                unsafe column.values.deallocate()
                unsafe column.valid.deallocate()
            }
        }
    }

    static func outside(
        _ path: String, _ type: FieldType, isRequired: Bool = false, of arrays: Int = 1
    ) -> FieldDeclaration {
        var field = FieldDeclaration(path, type, isRequired: isRequired)
        field.outward = arrays
        return field
    }

    private static let fields = [FieldDeclaration("v", .integer), outside("device.id", .text)]

    private static func pairs(
        _ documents: [String], each elements: ElementArray = ElementArray(["readings"])
    ) -> [[Value]] {
        rows(documents, fields, each: elements).map(\.values)
    }

    @Test func everyElementIsARowWithWhatStandsAroundIt() {
        #expect(
            Self.pairs([
                #"{"device":{"id":"a"},"readings":[{"v":1},{"v":2}]}"#,
                #"{"readings":[{"v":3},{"v":4},{}],"device":{"id":"b"}}"#,
                #"{"device":{"id":"c"},"readings":[]}"#, #"{"readings":[{"v":5}]}"#,
                #"{ "readings" : [ { "v" : 6 } ] }"#,
            ]) == [
                [.integer(1), .text("a")], [.integer(2), .text("a")], [.integer(3), .text("b")],
                [.integer(4), .text("b")],
                [.none, .text("b")], [.integer(5), .none], [.integer(6), .none],
            ])
    }

    @Test func theArrayMayStandDeeper() {
        #expect(
            Self.pairs(
                [#"{"a":{"b":{"c":[{"v":1}],"d":0}},"device":{"id":"x"}}"#], each: ElementArray(["a", "b", "c"]))
                == [[.integer(1), .text("x")]])
    }

    @Test func aBadElementIsOneBadRow() {
        let found = Self.rows(
            [#"{"device":{"id":"a"},"readings":[{"v":"x"}, {"v":2} ,7, [1],{"v":3}]}"#], Self.fields,
            each: ElementArray(["readings"])
        )
        #expect(found.map(\.error) == [.wrongType, nil, .notAnObject, .notAnObject, nil])
        #expect(found.map(\.element) == [#"{"v":"x"}"#, nil, "7", "[1]", nil])
        #expect(found[0].reason == "v at byte 5: wrong type, found text, expected an integer of 64 bits")
        #expect(
            found[2].reason
                == "found a number, expected an object: fields are members of the elements, and a plain value has none; a field "
                + "that is the element itself has path: \".\"")
        #expect(found.map { $0.values[1] } == [.none, .text("a"), .none, .none, .text("a")])
    }

    @Test func aMissingFieldOfAnElementIsItsOwnFault() {
        let fields = [FieldDeclaration("v", .integer, isRequired: true)]
        let found = Self.rows([#"{"readings":[{"v":1},{},{"v":3}]}"#], fields, each: ElementArray(["readings"]))
        #expect(found.map(\.error) == [nil, .missingRequired, nil])
    }

    @Test func aDocumentThatIsBadAsAWholeIsOneRow() {
        let fields = [FieldDeclaration("v", .integer), Self.outside("n", .integer)]
        let documents = [
            #"{"readings":[{"v":1},{"v":2}]"#, #"{"readings":[{"v":1},{"v":2]}"#,
            #"{"n":"x","readings":[{"v":1},{"v":2}]}"#,
            #"{"n":1}"#, #"{"readings":null}"#, #"{"readings":{"v":1}}"#, "[]", "", #"{"readings":[{"v":1}]} 7"#,
            #"{"n":4,"readings":[{"v":5}]}"#, "{\"readings\":[{\"v\":1},{\"w\":\"\u{1}\"}]}",
            #"{"readings":[{"v":1},]}"#,
        ]
        let found = Self.rows(documents, fields, each: ElementArray(["readings"]))
        #expect(
            found.map(\.error) == [
                .truncated, .invalidStructure, .wrongType, .noElements, .noElements, .noElements, .notAnObject, .empty,
                .trailingContent, nil, .controlCharacter, .invalidStructure,
            ])
        #expect(found.map(\.document) == Array(0..<documents.count))
        #expect(found.allSatisfy { $0.error == nil || $0.values == [.none, .none] })
        #expect(found[9].values == [.integer(5), .integer(4)])
        #expect(found.allSatisfy { $0.element == nil })
        #expect(found[3].reason == "readings: missing or null, expected the array whose elements are the records")
        #expect(found[5].reason == "readings: found an object, expected the array whose elements are the records")
        #expect(found[2].reason == "^.n at byte 5: wrong type, found text, expected an integer of 64 bits")
    }

    @Test func theDocumentMayBeTheArray() {
        let documents = [
            #"[{"v":1},{"v":"x"},7]"#, "[]", #" [ {"v":2} , {} ] "#, #"{"v":3}"#, "null", #"[{"v":4}"#, #"[{"v":5}] 6"#,
            #"[[{"v":6}]]"#, "",
        ]
        let fields = [FieldDeclaration("v", .integer)]
        let found = Self.rows(documents, fields, each: ElementArray([]))
        #expect(found.map(\.document) == [0, 0, 0, 2, 2, 3, 4, 5, 6, 7, 8])
        #expect(
            found.map(\.error) == [
                nil, .wrongType, .notAnObject, nil, nil, .noElements, .noElements, .truncated, .trailingContent,
                .notAnObject,
                .empty,
            ])
        #expect(found[0].values == [.integer(1)] && found[3].values == [.integer(2)] && found[4].values == [.none])
        #expect(found[5].reason == "found an object, expected an array, whose elements are the records")
        #expect(found[1].element == #"{"v":"x"}"# && found[9].element == #"[{"v":6}]"#)
        let optional = Self.rows(documents, fields, each: ElementArray([], isOptional: true))
        #expect(optional.map(\.document) == [0, 0, 0, 2, 2, 3, 5, 6, 7, 8], "null is as good as no element")
    }

    /// Where the array is optional, nothing and null are as good as an empty one; what cannot be the array stays a fault.
    @Test func aDocumentMayLackAnOptionalArray() {
        let documents = [
            #"{"d":{"r":[{"v":1}]}}"#, #"{"d":{}}"#, "{}", #"{"d":{"r":null},"n":7}"#, #"{"d":null}"#,
            #"{"d":{"r":{}}}"#,
            #"{"d":[{"r":[{"v":2}]}]}"#, #"{"d":5}"#, #"{"d":5,"d":{"r":[{"v":3}]}}"#, #"{"d":{"r":[{"v":4}]},"d":{}}"#,
            #"{"d":5,"d":{"r":null}}"#, "[]", #"{"d":{"r":[{"v":5}]}"#,
        ]
        let optional = ElementArray(["d", "r"], isOptional: true)
        let found = Self.rows(documents, [FieldDeclaration("v", .integer)], each: optional)
        #expect(found.map(\.document) == [0, 5, 6, 7, 8, 11, 12])
        #expect(found.map(\.error) == [nil, .noElements, .noElements, .noElements, nil, .notAnObject, .truncated])
        #expect(found.compactMap { $0.error == nil ? $0.values[0] : nil } == [.integer(1), .integer(3)])
        #expect(Self.rows([#"{"d":5,"d":null}"#, #"{"d":5,"d":{}}"#], [], each: optional).isEmpty)
        // What the document itself must have, it must have.
        let outer = [FieldDeclaration("v", .integer), Self.outside("n", .integer, isRequired: true)]
        let required = Self.rows(documents, outer, each: optional)
        #expect(!required.contains { $0.document == 3 })
        #expect(required.first { $0.document == 2 }?.error == .missingRequired)
    }

    @Test func theLastArrayOfANameCounts() {
        #expect(Self.pairs([#"{"readings":[{"v":1},{"v":2}],"readings":[{"v":3}]}"#]) == [[.integer(3), .none]])
        #expect(
            Self.rows(
                [#"{"readings":[{"v":"x"}],"readings":[{"v":3}]}"#], Self.fields, each: ElementArray(["readings"])
            ).map(\.error)
                == [nil])
        #expect(
            Self.rows(
                [#"{"a":{"r":[{"v":1}]},"a":{}}"#, #"{"a":{"r":[{"v":1}]},"a":5}"#], Self.fields,
                each: ElementArray(["a", "r"])
            )
            .map(\.error) == [.noElements, .noElements])
    }

    @Test func aRequiredValueFromOutside() {
        let fields = [FieldDeclaration("v", .integer), Self.outside("n", .integer, isRequired: true)]
        let found = Self.rows(
            [
                #"{"readings":[{"v":1},{"v":2}]}"#, #"{"readings":[],"n":1}"#, #"{"readings":[{}],"n":2}"#,
                #"{"readings":[]}"#,
            ],
            fields, each: ElementArray(["readings"]))
        #expect(found.map(\.error) == [.missingRequired, nil, .missingRequired])
        #expect(found[1].values == [.none, .integer(2)])
    }

    @Test func nothingOfAnElementThatWasNotReadToItsEndStaysBehind() {
        let documents = [#"{"readings":[{"v":1},{"v":2},{"v":3,]}"#, #"{"readings":[{"v":4},{},{"v":5}]}"#]
        let found = Self.rows(documents, Self.fields, each: ElementArray(["readings"]), room: 10)
        #expect(found.map(\.values[0]) == [.none, .integer(4), .none, .integer(5)])
    }

    @Test func nothingOfADocumentWithoutElementsStaysBehind() {
        #expect(
            Self.pairs([#"{"device":{"id":"a"},"readings":[]}"#, #"{"readings":[{"v":1}]}"#]) == [[.integer(1), .none]])
    }

    /// Each element alone, and the document alone, by a parser of documents.
    @Test func rowsAreThoseOfTheElementsAlone() {
        let seed: UInt64 = 31
        var random = SeededRandom(seed: seed)
        let inner = [FieldDeclaration("v", .integer), FieldDeclaration("p.t", .text), FieldDeclaration("b", .boolean)]
        let outer = [FieldDeclaration("n", .decimal(scale: 2)), FieldDeclaration("d.id", .text)]
        let fields = inner + outer.map { Self.outside($0.path.joined(separator: "."), $0.type) }
        var parser = DocumentParser(fields: fields, takesObjectsOnly: true, elements: ElementArray(["d", "r"]))
        for _ in 0..<60 {
            var (documents, expected): ([String], [Row]) = ([], [])
            for number in 0..<(1 + random.below(12)) {
                let elements = (0..<random.below(6)).map { _ in Self.element(&random) }
                let id = random.pick([#""x""#, #""\u00e9""#, "null", #""\n y""#])
                let decimal = random.chance(90) ? random.pick(["1.25", "7", "null"]) : "true"
                let array = #""r":[\#(elements.joined(separator: random.pick([",", " , "])))]"#
                let d = random.chance(50) ? #"{"id":\#(id),\#(array)}"# : #"{\#(array),"id":\#(id)}"#
                let document =
                    random.chance(50) ? #"{"n":\#(decimal),"d":\#(d)}"# : #"{"d":\#(d),"z":[[{}]],"n":\#(decimal)}"#
                documents.append(document)
                let around = parsed(document, outer)
                if let error = around.error {
                    expected.append(Row(document: number, values: Array(repeating: .none, count: 5), error: error))
                    continue
                }
                for element in elements {
                    let alone = parsed(element, inner)
                    expected.append(
                        Row(
                            document: number,
                            values: alone.values + (alone.error == nil ? around.values : [.none, .none]),
                            error: alone.error))
                }
            }
            let found = Self.rows(documents, &parser, room: 1 + random.below(8)).map {
                Row(document: $0.document, values: $0.values, error: $0.error)
            }
            guard found == expected else {
                Issue.record("\(documents): \(found), expected \(expected), seed \(seed)")
                return
            }
        }
    }

    private static func element(_ random: inout SeededRandom) -> String {
        let members = [
            #""v":\#(random.pick(["1", "-7", "12345678901", "null", "\"x\"", "1.5"]))"#,
            #""p":\#(random.pick(["{\"t\":\"abc\"}", "{\"t\":\"\\u0041\\\\\"}", "{}", "5", "{\"t\":[1,{}]}"]))"#,
            #""b":\#(random.pick(["true", "false", "null"]))"#, #""other":[{"v":9},[]]"#,
        ]
        return "{" + members.filter { _ in random.chance(70) }.joined(separator: ",") + "}"
    }
}
