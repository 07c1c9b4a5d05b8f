import Foundation
import Synchronization

/// The service manager that started this process, if one did: it is told how the process is, by datagrams as sd_notify(3) of
/// systemd describes them. Nothing is waited for, and a manager that does not listen is nobody's trouble.
final class ServiceManager: Sendable {
    private let address: sockaddr_un
    private let addressBytes: socklen_t
    /// How long the manager waits for a sign of life before it ends the process; nil when it does not.
    let patience: Duration?
    private let last = Mutex<(moment: ContinuousClock.Instant, status: String)?>(nil)

    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET` says where the manager listens: a path, or a name that begins with @;
    ///     `WATCHDOG_USEC` how long it waits, and `WATCHDOG_PID` for whom.
    /// - Returns: nil when no manager asks.
    init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@") else { return nil }
        var bytes = Array(path.utf8)
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room else { return nil }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        self.address = address
        // The name of an abstract address ends with its last byte, not with a zero.
        addressBytes = socklen_t(MemoryLayout<sockaddr_un>.size - room + bytes.count)
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) }
        patience = isMeant ? microseconds.flatMap { $0 > 0 ? .microseconds($0) : nil } : nil
    }

    /// The process does its work.
    func ready() { send("READY=1") }

    /// The process has been told to end.
    func stopping() { send("STOPPING=1") }

    /// Another round of the thread that everything hangs on.
    /// - Parameter status: what people read in `systemctl status`; asked for when there is something to send.
    func beat(_ status: () -> String) {
        // Three signs in the time that one is waited for, and news of the status as soon.
        let pause = min(patience.map { $0 / 3 } ?? .seconds(10), .seconds(10))
        let isDue = last.withLock { last in last.map { .now - $0.moment >= pause } ?? true }
        guard isDue else { return }
        let text = status().replacing("\n", with: " ")
        let isNews = last.withLock { last in
            defer { last = (.now, text) }
            return last?.status != text
        }
        let sign = patience == nil ? "" : "WATCHDOG=1\n"
        guard isNews || !sign.isEmpty else { return }
        send(sign + "STATUS=" + text)
    }

    private func send(_ message: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.utf8)
        var address = address
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL), address,
                    addressBytes)
            }
        }
    }
}
