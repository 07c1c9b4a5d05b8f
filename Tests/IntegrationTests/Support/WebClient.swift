import Foundation
import Glibc

/// Speaks HTTP with a port of this machine, byte by byte: what no library would send has to be sent too.
///
/// All calls block their thread. What never comes ends in a failure after a minute.
final class WebClient: Sendable {
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: String

        /// The code of an error.
        var code: String? { error?["code"] }
        var message: String? { error?["message"] }

        private var error: [String: String]? {
            (try? JSONDecoder().decode([String: [String: String]].self, from: Data(body.utf8)))?["error"]
        }
    }

    private let socket: Int32

    /// Connects.
    init(port: UInt16) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw MillraceProcess.Failure(description: "no socket: errno \(errno)") }
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(socket, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let failure = MillraceProcess.Failure(description: "port \(port) does not answer: errno \(errno)")
            close(socket)
            throw failure
        }
    }

    deinit { close(socket) }

    /// Sends bytes; whether the other side takes them is not its concern.
    func send(_ text: String) {
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let count = unsafe bytes[start...].withUnsafeBytes {
                unsafe Glibc.send(socket, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            start += count
        }
    }

    /// Everything that comes until the other side closes.
    func receive() throws -> String {
        var (all, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while true {
            let count = unsafe recv(socket, &buffer, buffer.count, 0)
            if count == 0 || count < 0 && errno == ECONNRESET { return String(decoding: all, as: UTF8.self) }
            guard count > 0 else { throw MillraceProcess.Failure(description: "nothing comes: errno \(errno)") }
            all += buffer[..<count]
        }
    }

    /// Sends bytes on a connection of their own, and takes the answer apart.
    static func exchange(_ port: UInt16, _ text: String) throws -> Answer {
        let client = try WebClient(port: port)
        client.send(text)
        let whole = try client.receive()
        guard let end = whole.range(of: "\r\n\r\n") else {
            throw MillraceProcess.Failure(description: "no answer to \(text.prefix(200)): \(whole.prefix(200))")
        }
        var headers: [String: String] = [:]
        let lines = whole[..<end.lowerBound].components(separatedBy: "\r\n")
        for line in lines.dropFirst() {
            let sides = line.components(separatedBy: ": ")
            headers[sides[0]] = sides.dropFirst().joined(separator: ": ")
        }
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return Answer(status: status ?? 0, headers: headers, body: String(whole[end.upperBound...]))
    }
}
