import JSON
import Platform
import Testing

/// Records that are elements of an array in the elements of another one.
@Suite struct NestedElementsTests {
    typealias Row = ElementsTests.Row

    private static let orders = ElementArray(paths: [["orders"], ["items"]])
    private static let fields = [
        FieldDeclaration("v", .integer), ElementsTests.outside("id", .integer),
        ElementsTests.outside("user", .text, of: 2),
    ]

    private static func rows(
        _ documents: [String], _ fields: [FieldDeclaration] = fields, each elements: ElementArray = orders,
        room: Int = 1
    ) -> [Row] {
        ElementsTests.rows(documents, fields, each: elements, room: room)
    }

    @Test func everyElementHasWhatStandsAroundIt() {
        let found = Self.rows([
            #"{"user":"a","orders":[{"id":1,"items":[{"v":10},{"v":11}]},{"items":[{"v":20}],"id":2}]}"#,
            #"{"orders":[{"id":3,"items":[]},{"items":[{"v":30}]},{"id":4,"items":[{},{"v":41}]}],"user":"b"}"#,
            #"{"orders":[],"user":"c"}"#, #"{"orders":[{"items":[{"v":5}]}]}"#,
        ])
        #expect(
            found.map(\.values) == [
                [.integer(10), .integer(1), .text("a")], [.integer(11), .integer(1), .text("a")],
                [.integer(20), .integer(2), .text("a")], [.integer(30), .none, .text("b")],
                [.none, .integer(4), .text("b")], [.integer(41), .integer(4), .text("b")],
                [.integer(5), .none, .none],
            ])
        #expect(found.map(\.numbers) == [[0, 0], [0, 1], [1, 0], [1, 0], [2, 0], [2, 1], [0, 0]])
        #expect(found.map(\.document) == [0, 0, 0, 1, 1, 1, 3])
    }

    @Test func aBadElementThatHoldsOthersIsOneBadRowInTheirPlace() {
        let fields = [
            FieldDeclaration("v", .integer, isRequired: true), ElementsTests.outside("id", .integer, isRequired: true),
            ElementsTests.outside("user", .text, of: 2),
        ]
        let found = Self.rows(
            [
                #"{"user":"a","orders":[{"id":"x","items":[{"v":1},{"v":2}]}, {"items":[{"v":3}]},{"id":4},7,[{"v":5}],"#
                    + #"{"id":6,"items":{"v":6}},{"id":7,"items":[{"v":7},{},{"v":"y"}]},{"id":8,"items":null},"#
                    + #"{"id":9,"items":[{"v":9}]}]}"#
            ], fields)
        #expect(
            found.map(\.error) == [
                .wrongType, .missingRequired, .noElements, .notAnObject, .notAnObject, .noElements, nil,
                .missingRequired, .wrongType, .noElements, nil,
            ])
        #expect(
            found.map(\.numbers) == [
                [0, .max], [1, .max], [2, .max], [3, .max], [4, .max], [5, .max], [6, 0], [6, 1], [6, 2], [7, .max],
                [8, 0],
            ])
        #expect(
            found.map(\.values)
                == found.map { row in
                    switch row.numbers {
                    case [6, 0]: [.integer(7), .integer(7), .text("a")]
                    case [8, 0]: [.integer(9), .integer(9), .text("a")]
                    default: [.none, .none, .none]
                    }
                })
        #expect(found[0].element == #"{"id":"x","items":[{"v":1},{"v":2}]}"#)
        #expect(found[0].reason == "^.id at byte 6: wrong type, found text, expected an integer of 64 bits")
        #expect(found[2].reason == "items: missing or null, expected the array whose elements are the records")
        #expect(found[3].element == "7" && found[3].reason == "found a number, expected an object with items")
        #expect(found[5].reason == "items: found an object, expected the array whose elements are the records")
        #expect(found[7].element == "{}" && found[8].element == #"{"v":"y"}"#)
    }

    @Test func whatIsBadOutsideIsBadAsAWhole() {
        let fields = [
            FieldDeclaration("v", .integer), ElementsTests.outside("id", .integer),
            ElementsTests.outside("n", .integer, isRequired: true, of: 2),
        ]
        let documents = [
            #"{"orders":[{"id":1,"items":[{"v":1}]}],"n":"x"}"#, #"{"orders":[{"id":2,"items":[{"v":2}]}]}"#,
            #"{"n":3,"orders":[{"id":3,"items":[{"v":3},{"v":4}]},{"id":5,"items":[{"v":6},{"v":7,]}]}"#,
            #"{"n":4,"orders":[{"id":4,"items":[{},{},{},{"v":5}]},{"items":[{},{}]}]}"#, #"{"n":5,"orders":{}}"#,
        ]
        let found = Self.rows(documents, fields, room: 16)
        #expect(
            found.map(\.error) == [
                .wrongType, .missingRequired, .invalidStructure, nil, nil, nil, nil, nil, nil, .noElements,
            ])
        #expect(found.filter { $0.error != nil }.allSatisfy { $0.element == nil && $0.numbers == [.max, .max] })
        #expect(found[3...8].map(\.values[0]) == [.none, .none, .none, .integer(5), .none, .none])
        #expect(found[3...8].map(\.values[1]) == [.integer(4), .integer(4), .integer(4), .integer(4), .none, .none])
    }

    @Test func theLastOneOfANameCounts() {
        #expect(
            Self.rows([
                #"{"orders":[{"id":1,"items":[{"v":1},{"v":"x"}],"items":[{"v":2}]}]}"#,
                #"{"orders":[{"id":"x","items":[{"v":3}]}],"orders":[{"id":4,"items":[{"v":4}]}]}"#,
                #"{"orders":[{"id":5,"items":[{"v":5}],"items":7}]}"#,
            ]).map(\.values[0]) == [.integer(2), .integer(4), .none])
    }

    @Test func arraysMayBeMissing() {
        let documents = [
            "{}", #"{"orders":null}"#, #"{"orders":[{"id":1},{"items":null},{"items":[{"v":1}]}]}"#, #"{"orders":7}"#,
            #"{"orders":[{"items":7},null]}"#,
        ]
        let found = Self.rows(documents, each: ElementArray(paths: [["orders"], ["items"]], isOptional: true))
        #expect(found.map(\.error) == [nil, .noElements, .noElements, .notAnObject])
        #expect(found.map(\.numbers) == [[2, 0], [.max, .max], [0, .max], [1, .max]])
    }

    @Test func theDocumentMayBeTheOuterArrayAndElementsMayBeValues() {
        let fields = [FieldDeclaration(path: [], type: .text), ElementsTests.outside("d.id", .text)]
        let found = Self.rows(
            [#"[{"d":{"id":"a"},"x":{"tags":["p","q"]}},{"x":{"tags":[1,"r"]}}]"#, #"[{"x":[]}]"#, "{}"], fields,
            each: ElementArray(paths: [[], ["x", "tags"]]))
        #expect(
            found.map(\.values) == [
                [.text("p"), .text("a")], [.text("q"), .text("a")], [.none, .none], [.text("r"), .none],
                [.none, .none],
                [.none, .none],
            ])
        #expect(found.map(\.error) == [nil, nil, .wrongType, nil, .noElements, .noElements])
        #expect(found[4].reason == "x.tags: missing or null, expected the array whose elements are the records")
        #expect(found[5].reason == "found an object, expected an array, whose elements are the records")
    }

    /// What stands at each level alone, by a parser of documents, says what the rows are.
    @Test(arguments: 0..<300 as Range<UInt64>)
    func rowsAreThoseOfTheElementsAlone(seed: UInt64) {
        var random = SeededRandom(seed: seed &* 77 &+ 5)
        let count = 2 + random.below(3)
        let own = [FieldDeclaration("v", .integer), FieldDeclaration("p.t", .text), FieldDeclaration("b", .boolean)]
        let fields = (0...count).flatMap { depth in
            own.map { field in
                var field = field
                field.outward = depth
                return field
            }
        }
        let elements = ElementArray(
            paths: (0..<count).map { $0 == 0 && seed % 5 == 0 ? [] : $0 % 2 == 0 ? ["a"] : ["o", "a"] })
        var parser = DocumentParser(fields: fields, takesObjectsOnly: true, elements: elements)
        var documents: [String] = []
        var expected: [Row] = []
        for number in 0..<(1 + random.below(8)) {
            var made = Made(elements.paths, own, random)
            documents.append(made.document(number))
            random = made.random
            if random.chance(10) {
                documents[number].removeLast()
                expected.append(Row(document: number, values: fields.map { _ in .none }, error: .truncated))
            } else {
                expected += made.rows
            }
        }
        let found = ElementsTests.rows(documents, &parser, room: 1 + random.below(20)).map {
            Row(
                document: $0.document, values: $0.values, error: $0.error,
                numbers: $0.numbers == elements.paths.map { _ in UInt32.max } ? nil : $0.numbers)
        }
        #expect(found == expected, "seed \(seed): \(documents)")
    }

    /// A random document with the rows that it makes.
    private struct Made {
        let paths: [[String]]
        let own: [FieldDeclaration]
        var random: SeededRandom
        /// Of each depth, from the outside in: the values there.
        private var around: [[Value]] = []
        private var numbers: [UInt32] = []
        private var number = 0
        var rows: [Row] = []

        init(_ paths: [[String]], _ own: [FieldDeclaration], _ random: SeededRandom) {
            (self.paths, self.own, self.random) = (paths, own, random)
        }

        mutating func document(_ number: Int) -> String {
            self.number = number
            return paths[0].isEmpty ? outermost() : object(depth: 0)
        }

        /// A document that is an array: nothing stands around it.
        private mutating func outermost() -> String {
            around = [own.map { _ in .none }]
            return array(depth: 0)
        }

        private mutating func array(depth: Int) -> String {
            let elements = (0..<random.below(4)).map { index -> String in
                numbers.append(UInt32(index))
                defer { numbers.removeLast() }
                return object(depth: depth + 1)
            }
            return "[\(elements.joined(separator: random.pick([",", " ,\t"])))]"
        }

        /// What stands at a depth, with the rows in it.
        private mutating func object(depth: Int) -> String {
            let members = [
                #""v":\#(random.pick(["1", "-7", "null", "2", "3", random.chance(20) ? "\"x\"" : "4"]))"#,
                #""p":\#(random.pick(["{\"t\":\"abc\"}", "{\"t\":\"\\u0041\\\\\"}", "{}", "5"]))"#,
                #""b":\#(random.pick(["true", "false", "null"]))"#, #""other":[{"v":9},[]]"#,
            ].filter { _ in random.chance(70) }
            let alone = parsed("{\(members.joined(separator: ","))}", own)
            let before = rows.count
            guard depth < paths.count else {
                if let error = alone.error { return "{\(add(error, members))}" }
                let values = [alone.values] + around.reversed()
                rows.append(Row(document: number, values: values.flatMap(\.self), numbers: numbers))
                return "{\(members.joined(separator: ","))}"
            }
            around.append(alone.values)
            let inner = array(depth: depth)
            around.removeLast()
            let array = paths[depth].count > 1 ? #""o":{"z":1,"a":\#(inner)}"# : #""a":\#(inner)"#
            let isThere = random.chance(92)
            let all = (isThere ? members + [array] : members).shuffled(using: &random)
            if let error = alone.error ?? (isThere ? nil : .noElements) {
                rows.removeSubrange(before...)
                return "{\(add(error, all))}"
            }
            return "{\(all.joined(separator: ","))}"
        }

        /// One bad row.
        private mutating func add(_ error: DocumentError, _ members: [String]) -> String {
            let missing = paths.count - numbers.count
            rows.append(
                Row(
                    document: number, values: (0...paths.count).flatMap { _ in own.map { _ in .none } }, error: error,
                    numbers: numbers.isEmpty ? nil : numbers + Array(repeating: .max, count: missing)))
            return members.joined(separator: ",")
        }
    }
}
