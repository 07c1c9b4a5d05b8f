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

    @Test(arguments: ["", "a..b", ".a", "a.", "``", "`a", "`a`b", "a.`", "a[0]", "/a", "$", "a.*", "a.0", "a->b"])
    func othersAreRefused(text: String) { #expect(Self.problem(text) != nil) }

    @Test func elementsOfAnArrayAreItsPath() {
        for text in ["items[]", "items[*]", "$.items[*]", "$.items[]", "items.*"] {
            #expect(FieldPath.elementsAdvice(text) == "write items", "\(text)")
        }
        for text in ["$", ".", "/", "$[*]", "[*]", "*", "$[]", ".[]", "$.*"] {
            #expect(FieldPath.elementsAdvice(text) == "write \"[]\" for documents that are arrays", "\(text)")
        }
        for text in ["items", "a.b", "$.items", "/items", "`*`", "items[0]"] {
            #expect(FieldPath.elementsAdvice(text) == nil, "\(text)")
        }
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
        for path in ["a.b[0].c.d", "$.a.b[*].c.d", "a.b.0.c.d", "a.b[].c.d", "a.b.*.c.d"] where !path.contains("[]") {
            #expect(
                Self.problem(path)?.hint
                    == "with each: a.b every element is a record, and the path is c.d; a key of that name stands in backquotes",
                "\(path)")
        }
        #expect(Self.problem("[0]")?.hint?.hasPrefix("elements of arrays are records with each:") == true)
    }
}
