import ArgumentParser
import Testing

@testable import Millrace

@Suite struct KafkaOptionsTests {
    @Test(arguments: [
        ["--topic", "t"], ["--kafka", "k:9092"], ["--kafka", "k:9092", "--topic", "t", "--lines", "0"],
        ["--kafka", "k:9092", "--topic", "t", "--lines", "10", "--key", "user"],
        ["--kafka", "k:9092", "--topic", "t", "--key", "item"],
        ["--kafka", "k:9092", "--topic", "t", "--compression", "rar"],
        ["--kafka", "k:9092", "--topic", "t", "--output", "events.ndjson"],
    ])
    func contradictionsAreRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try Generate.parse(arguments) }
    }

    @Test(arguments: [["--key", "user", "--lines", "2"], ["--key", ""], ["--compression", "rar"]])
    func whatCannotBeProducedIsRefused(arguments: [String]) throws {
        let all = ["events.ndjson", "--kafka", "k:9092", "--topic", "t"]
        #expect(throws: (any Error).self) { try Produce.parse(all + arguments) }
        _ = try Produce.parse(all + ["--key", "user"])
        _ = try Produce.parse(all + ["--key", "none", "--lines", "2"])
    }

    @Test func settingsAreReadFromAFile() throws {
        let text = "# our cluster\n\nsecurity.protocol = SASL_SSL\nsasl.password=a=b#c\n"
        let settings = try KafkaOptions.settings(from: text, file: "f")
        #expect(settings == ["security.protocol": "SASL_SSL", "sasl.password": "a=b#c"])
    }

    @Test func aBadLineIsNamedAndNotShown() {
        #expect {
            try KafkaOptions.settings(from: "a=b\nhunter2\n", file: "f")
        } throws: { error in
            "\(error)".contains("f:2") && !"\(error)".contains("hunter2")
        }
    }
}
