import ArgumentParser
import JSON
import Kafka

/// What this program is made of.
enum Version {
    /// The program's version, as in CHANGELOG.md.
    static let number = "0.1.0"

    /// Number and the libraries that decide behaviour.
    static var text: String {
        "millrace \(number) (librdkafka \(LibraryVersion.current), JSON kernel \(parserTargets.kernel))"
    }
}

/// `millrace version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version and the versions of the libraries in use.")

    func run() { print(Version.text) }
}
