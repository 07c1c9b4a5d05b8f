import Foundation

@testable import WebAPI

/// A folder with certificates that `openssl` makes; gone with this.
final class CertificateFolder: Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Whether there is an `openssl`; says on standard error when there is none, so that no test is skipped in silence.
    static let canMake: Bool = {
        let isThere = (try? run(["version"])) != nil
        if !isThere {
            let text = "SKIPPED: WebAPITests: there is no openssl to make certificates with; apt-get install openssl\n"
            FileHandle.standardError.write(Data(text.utf8))
        }
        return isThere
    }()

    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-tls-\(UUID())")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: folder) }  // A temporary folder.

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Makes a certificate that vouches for itself, valid for 30 days from now on: `NAME.pem` and `NAME.key`.
    /// - Parameter kind: as `openssl req -newkey` takes it.
    @discardableResult
    func make(_ name: String, kind: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]) throws -> TLSFiles {
        let files = TLSFiles(certificate: path(name + ".pem"), key: path(name + ".key"))
        try Self.run(
            ["req", "-x509", "-newkey"] + kind
                + ["-nodes", "-keyout", files.key, "-out", files.certificate, "-days", "30", "-subj", "/CN=\(name)"])
        return files
    }

    /// Writes a file; replaces one by another, as those do who renew certificates.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name), options: .atomic)
        return path(name)
    }

    func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    /// Puts a pair in the place of another one.
    func install(_ name: String, as other: String, key: String? = nil) throws {
        try write(other + ".pem", try text(name + ".pem"))
        try write(other + ".key", try text((key ?? name) + ".key"))
    }

    @discardableResult
    static func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "openssl \(arguments): \(text)") }
        return text
    }
}
