import JSON
import Testing

@testable import Nodes

@Suite struct FieldPathTests {
    private static func keys(_ text: String) -> [String]? { try? FieldPath(text).keys }

    private static func problem(_ text: String) -> FieldPath.Problem? {
        do throws(FieldPath.Problem) {
            _ = try FieldPath(text)
            return nil
        } catch { return error }
    }

    @Test func keysAreJoinedByDots() {
        #expect(Self.keys("a") == ["a"])
        #expect(Self.keys("a.b.c") == ["a", "b", "c"])
        #expect(Self.keys("#zone_offset") == ["#zone_offset"])
        #expect(Self.keys("a key.with spaces") == ["a key", "with spaces"])
        #expect(Self.keys("`a.b`.`c``d`.`0`") == ["a.b", "c`d", "0"])
    }

    private static func choice(_ text: String) -> ElementChoice? { try? FieldPath(text).choices.first }

    @Test func aBracketChoosesAnElement() {
        for text in [
            "attributes[key=http.method].value.stringValue", "attributes[key='http.method'].value.stringValue",
            "attributes[key=`http.method`].value.stringValue", "attributes[ key = \"http.method\" ].value.stringValue",
            "`attributes`[`key`=http.method].value.stringValue",
        ] {
            #expect(Self.keys(text) == ["attributes", "value", "stringValue"], "\(text)")
            #expect(Self.choice(text) == ElementChoice(depth: 1, key: "key", text: "http.method"), "\(text)")
        }
        #expect(Self.choice("a.b[k=x=y z].c") == ElementChoice(depth: 2, key: "k", text: "x=y z"))
        #expect(Self.choice("a[k='it''s ]'].c") == ElementChoice(depth: 1, key: "k", text: "it's ]"))
        let two = try? FieldPath("a[k=1].b[n=`x.y`].c.d")
        #expect(two?.keys == ["a", "b", "c", "d"] && two?.choices.map(\.depth) == [1, 2])
    }

    /// What is written of a path is the same path.
    @Test(arguments: [
        "a[k=x].b", "a.b[k=x y].c", "a[k='it''s ]'].c[`n.n`=\"`\"].d", "`a.b`[k=1].`0`", "a[k=é/x:y].b.c",
        "a[k='=x'].b",
    ])
    func whatIsWrittenIsReadAgain(text: String) throws {
        let path = try FieldPath(text)
        let again = try FieldPath(FieldDeclaration.written(path.keys, path.choices))
        #expect(again.keys == path.keys && again.choices == path.choices, "\(text)")
    }

    @Test(arguments: [
        ("a[k=x]", "ends with an element, which is an object", "go on with a member of it: a[k=x].value"),
        ("a[?(@.key=='x')].v", "chooses an element in another language", "write a[key=x]"),
        ("a[key=='x'].v", "chooses an element in another language", "write a[key=x]"),
        ("a[key=x", "has a bracket without an end", "for example a[key=a].value"),
        ("a[key=].v", "chooses an element by nothing", "for example a[key=a].value"),
        ("a[key='x].v", "has a quote without an end", "for example a[key=a].value"),
        ("a[=x].v", "chooses an element in another language", "for example a[key=a].value"),
        ("a[key=x]v", "goes on behind a bracket without a dot", "for example a[key=b].c"),
    ])
    func choicesThatCannotBeMeantAreRefused(text: String, what: String, hint: String) {
        let problem = Self.problem(text)
        #expect(
            problem?.what == what && problem?.hint == hint, "\(text): \(problem?.what ?? "") \(problem?.hint ?? "")")
    }

    @Test(arguments: ["", "a..b", ".a", "a.", "``", "`a", "`a`b", "a.`", "a[0]", "/a", "$", "a.*", "a.0", "a->b"])
    func othersAreRefused(text: String) { #expect(Self.problem(text) != nil) }

    @Test func elementsOfAnArrayAreItsPath() {
        for text in ["items[]", "items[*]", "$.items[*]", "$.items[]", "items.*"] {
            #expect(Self.elementsHint(text) == "write items", "\(text)")
        }
        for text in ["a[].b[]", "$.a[*].b[*]", "a[*].b", "$.a[].b"] {
            #expect(Self.elementsHint(text) == "write a[].b", "\(text)")
        }
        #expect(Self.elementsHint("$[*].items[*]") == "write \"[].items\"")
        for text in ["$", ".", "/", "$[*]", "[*]", "*", "$[]", ".[]", "$.*"] {
            #expect(Self.elementsHint(text) == "write \"[]\" for documents that are arrays", "\(text)")
        }
        for text in ["$.items", "/items", "items[0]", "a[].b[0]", "a[k=x].b", "a[]b", "a[][]", "[][].a", "a..b[].c"] {
            #expect(Self.elementsHint(text)?.hasPrefix("write items[") != true, "\(text)")
            #expect(throws: FieldPath.Problem.self, "\(text)") { try FieldPath.arrays(text) }
        }
    }

    private static func elementsHint(_ text: String) -> String? {
        do throws(FieldPath.Problem) {
            _ = try FieldPath.arrays(text)
            return nil
        } catch { return error.isOfElements ? error.hint : nil }
    }

    @Test func arraysMayHoldOneAnother() throws {
        #expect(try FieldPath.arrays("[]") == [[]])
        #expect(try FieldPath.arrays("a.b") == [["a", "b"]])
        #expect(try FieldPath.arrays("`*`") == [["*"]])
        #expect(try FieldPath.arrays("a.b[].c[].d.e") == [["a", "b"], ["c"], ["d", "e"]])
        #expect(try FieldPath.arrays("[].a") == [[], ["a"]])
        #expect(try FieldPath.arrays("`x[].y`[].`z[]`") == [["x[].y"], ["z[]"]])
        for text in ["[]", "a", "a.b[].c", "[].a[].b", "`x[].y`[].`z[]`"] {
            #expect(ElementArray(paths: try FieldPath.arrays(text)).name == text)
        }
        let many = Array(repeating: "a", count: ElementArray.countMax + 1).joined(separator: "[].")
        #expect(throws: FieldPath.Problem.self) { try FieldPath.arrays(many) }
    }

    @Test func theRightSpellingIsAdvised() {
        #expect(Self.problem("$.a.b")?.hint == "write a.b; a key that holds such a character stands in backquotes")
        #expect(
            Self.problem("annotations.authorization.k8s.io/decision")?.hint
                == "write annotations.`authorization.k8s.io/decision` where that is one key, or "
                + "annotations.authorization.k8s.io.decision where the slash parts two")
        #expect(
            Self.problem("metadata.labels.app.kubernetes.io/name")?.hint?.hasPrefix(
                "write metadata.labels.`app.kubernetes.io/name` where") == true)
        #expect(Self.problem("/a/b")?.hint == "write a.b; a key that holds such a character stands in backquotes")
        #expect(Self.problem("a['b']")?.hint == "write a.b; a key that holds such a character stands in backquotes")
        for path in ["a.b[0].c.d", "$.a.b[*].c.d", "a.b.0.c.d", "a.b[].c.d", "a.b.*.c.d"] {
            #expect(
                Self.problem(path)?.hint
                    == "with each: a.b every element is a record, and the path is c.d; a key of that name stands in backquotes",
                "\(path)")
        }
        #expect(
            Self.problem("tags[]")?.hint
                == "with each: tags every element is a record, and the path is \".\" for the element itself; a key of that name "
                + "stands in backquotes")
        for path in ["a.l[http.method].value", "a.l['http.method'].value", "$.a.l[\"http.method\"].value"] {
            #expect(
                Self.problem(path)?.hint
                    == "write a.l[key=http.method].value for the element of an array that has it under key, or "
                    + "a.l.`http.method`.value for the member of an object", "\(path)")
        }
        #expect(Self.problem("l[x]")?.hint?.hasPrefix("write l[key=x].value for the element") == true)
        #expect(Self.problem("[0]")?.hint?.hasPrefix("elements of arrays are records with each:") == true)
    }
}
