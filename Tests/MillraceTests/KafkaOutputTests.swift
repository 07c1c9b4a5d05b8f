import EventGenerator
import Testing

@testable import Millrace

@Suite struct KafkaOutputTests {
    private func user(of event: String) -> String? {
        let bytes = Array(event.utf8)
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe KafkaOutput.user(of: bytes).map { unsafe String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test func theKeyIsTheUser() {
        #expect(user(of: #"{"ts":"x","event":"chat","user":"u01","session":"s"}"#) == "u01")
        #expect(user(of: #"{"user":""}"#) == "")
        #expect(user(of: #"{"user":"a\"b\\","x":1}"#) == #"a\"b\\"#)
    }

    @Test(arguments: ["", "{}", "\"user\":\"", #"{"user":"u01"#, #"{"user":"u\"#, #"{"user":7}"#, #"{"users":"u01"}"#])
    func eventsWithoutAUserHaveNoKey(event: String) {
        #expect(user(of: event) == nil)
    }

    @Test func everyGeneratedEventHasAKey() throws {
        var buffer = EventBuffer(capacity: 4_096)
        let generator = GameEvents(GameEvents.Options(seed: 7))
        for index in 0..<1_000 as Range<UInt64> {
            buffer.truncate(to: 0)
            generator.append(event: index, into: &buffer)
            let length = unsafe buffer.withUnsafeBytes { unsafe KafkaOutput.user(of: $0)?.count }
            #expect(length != nil, "event \(index) of seed 7")
        }
    }
}
