import Platform
import Testing

@Suite struct DecimalTextTests {
    @Test func everyPlaceIsThere() {
        let texts: [(Int128, Int, String)] = [
            (0, 0, "0"), (7, 0, "7"), (-7, 0, "-7"), (0, 2, "0.00"), (150, 2, "1.50"), (-5, 2, "-0.05"), (5, 1, "0.5"),
            (Int128(Int64.min), 18, "-9.223372036854775808"), (.max, 1, "17014118346046923173168730371588410572.7"),
        ]
        for (units, scale, text) in texts { #expect(DecimalText.of(units: units, scale: scale) == text) }
        #expect(DecimalText.of(units: Int64.min, scale: 19) == "-0.9223372036854775808")
    }
}
