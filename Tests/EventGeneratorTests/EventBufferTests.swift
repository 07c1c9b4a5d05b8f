import Foundation
import Testing

@testable import EventGenerator

@Suite struct EventBufferTests {
    @Test func decimalsAreWrittenLikeTheStandardLibraryDoes() {
        var random = EventRandom(seed: 1, index: 0)
        var values: [UInt64] = [0, 9, 10, 99, 100, 9999, 10_000, 99_999_999, 100_000_000, 9_999_999_999_999_999]
        for power in 1...53 { values += (0..<20).map { _ in random.next() >> UInt64(64 - power) } }
        for value in values {
            #expect(written { $0.append(decimal: value) } == String(value))
        }
    }

    @Test func everyNumberUpTo20000IsRight() {
        let wrong = (UInt64(0)...20_000).filter { value in written { $0.append(decimal: value) } != String(value) }
        #expect(wrong.isEmpty)
        let wrongEight = (UInt64(0)...9999).filter { value in
            written { $0.append(decimal: value * 10_000 + value) } != String(value * 10_000 + value)
        }
        #expect(wrongEight.isEmpty)
    }

    @Test func hexadecimalHasEightDigits() {
        for value: UInt32 in [0, 1, 0x0123_4567, 0x89ab_cdef, 0xf09a_9f90, .max] {
            let digits = String(value, radix: 16)
            #expect(written { $0.append(hex: value) } == String(repeating: "0", count: 8 - digits.count) + digits)
        }
    }

    @Test func hundredthsKeepTheirZeros() {
        #expect(written { $0.append(hundredths: 499) } == "4.99")
        #expect(written { $0.append(hundredths: 5) } == "0.05")
        #expect(written { $0.append(hundredths: 999_900) } == "9999.00")
    }

    @Test func timestampsAgreeWithFoundation() {
        var random = EventRandom(seed: 5, index: 0)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        var times: [Int64] = [0, 951_782_399_999, 951_782_400_000, 1_709_164_800_000, 4_107_542_400_000]
        times += (0..<2000).map { _ in Int64(random.below(1 << 31)) * 2000 + Int64(random.below(1000)) }
        for time in times {
            let date = Date(timeIntervalSince1970: Double(time) / 1000 + 0.0001)
            #expect(written { $0.append(timestamp: time) } == date.formatted(style), "seed 5: \(time)")
        }
    }

    @Test func growthKeepsWhatWasWritten() {
        var buffer = EventBuffer(capacity: 64)
        for number in 0..<5000 {
            buffer.reserve(16)
            buffer.append(decimal: UInt64(number))
        }
        let text = unsafe buffer.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        #expect(text == (0..<5000).map(String.init).joined())
    }

    private func written(_ write: (inout EventBuffer) -> Void) -> String {
        var buffer = EventBuffer(capacity: 64)
        write(&buffer)
        return unsafe buffer.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
