import Testing

@testable import Nodes

@Suite struct TimestampPatternTests {
    private static func fault(_ format: String) -> TimestampPattern.Fault? {
        do throws(TimestampPattern.Fault) {
            _ = try TimestampPattern(format)
            return nil
        } catch { return error }
    }

    @Test(arguments: [
        "%Y-%m-%d", "%d/%b/%Y:%H:%M:%S %z", "%Y%m%dT%H%M%S.%f", "%Y-%jT%T", "%s", "%s.%f", "%D %I:%M %p",
        "%a, %e %B %y %R",
        "%F %T %%", "le %d.%m.%Y à %H",
    ])
    func whatIsAFormat(format: String) { #expect(Self.fault(format) == nil) }

    @Test(arguments: [
        ("", 0, "holds no letter with a percent sign"), ("now", 0, "holds no letter with a percent sign"),
        ("%s%f", 0, "has digits directly behind %s, which takes all that there are"),
        ("at %s0", 3, "has digits directly behind %s, which takes all that there are"),
        ("%m/%d %H:%M:%S.%f%Y", 15, "has digits directly behind %f, which takes all that there are"),
        ("%Y-%m-%d %", 9, "ends with a percent sign"), ("%Y-%m-%q", 6, "holds %q, which is no letter of a format"),
        ("%Y-%m-%d %H:%M:%S %Z", 18, "holds %Z, which is no letter of a format"),
        ("%Y-%m-%d %Y", 9, "says the year twice"), ("%Y-%m-%d %y", 9, "says the year twice"),
        ("%Y %b %m %d", 6, "says the month twice"), ("%F %d", 3, "says the day twice"),
        ("%Y %j %d", 6, "says the day twice"),
        ("%H:%M", 0, "lacks the year"), ("%Y-%d", 0, "lacks the month"), ("%Y-%M-%d", 3, "lacks the month"),
        ("%Y-%m", 0, "lacks the day"), ("%F %I", 3, "has an hour of twelve without AM or PM"),
        ("%F %H %p", 6, "has AM or PM without an hour of twelve"), ("%F %M", 3, "has a minute without an hour"),
        ("%F %H %S", 6, "has a second without a minute"), ("%F %R.%f", 6, "has digits of a second without a second"),
        ("%s %Y", 3, "says more beside %s, which is an instant by itself"), ("%F %H %I", 6, "says the hour twice"),
    ])
    func whatIsNone(format: String, place: Int, what: String) {
        let fault = Self.fault(format)
        #expect(fault?.what == what && fault?.place == place, "\(String(describing: fault))")
    }

    @Test func otherLanguagesAreTranslated() {
        #expect(Self.fault("yyyy-MM-dd HH:mm:ss")?.hint == "write %Y-%m-%d %H:%M:%S")
        #expect(Self.fault("yyyy-MM-dd'T'HH:mm:ss.SSSXXX")?.hint == "write %Y-%m-%dT%H:%M:%S.%f%z")
        #expect(Self.fault("dd/MMM/yyyy:HH:mm:ss Z")?.hint == "write %d/%b/%Y:%H:%M:%S %z")
        #expect(Self.fault("nothing")?.hint == nil)
        #expect(Self.fault("%Y-%M-%d")?.hint == "%M is the minute; the month is %m")
        #expect(Self.fault("%F %T %Z")?.hint?.contains("%z stands for an offset") == true)
    }

    @Test func offsetsAreKnown() throws {
        #expect(try TimestampPattern("%F %T %z").hasOffset && TimestampPattern("%s").hasOffset)
        #expect(try !TimestampPattern("%F %T").hasOffset && !TimestampPattern.localTime.hasOffset)
    }
}
