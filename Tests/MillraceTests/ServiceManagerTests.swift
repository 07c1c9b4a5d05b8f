import Foundation
import LocalServices
import Testing

@testable import Millrace

/// What a service manager is told, and when.
@Suite struct ServiceManagerTests {
    /// A manager's end: a socket that datagrams come to.
    private final class Listener {
        let path: String
        private let descriptor: Int32

        init() throws {
            path = NSTemporaryDirectory() + "manager-\(UUID().uuidString.prefix(8))"
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            try #require(bytes.count < MemoryLayout.size(ofValue: address.sun_path))
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
            let bound = unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0)
        }

        deinit {
            close(descriptor)
            _ = unsafe unlink(path)
        }

        /// What has come.
        func take() -> [String] {
            var found: [String] = []
            var bytes = [UInt8](repeating: 0, count: 4_096)
            while true {
                let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
                guard count >= 0 else { return found }
                found.append(String(decoding: bytes.prefix(count), as: UTF8.self))
            }
        }
    }

    @Test func aManagerIsToldWhatItAsksFor() throws {
        let listener = try Listener()
        let manager = try #require(
            ServiceManager(environment: ["NOTIFY_SOCKET": listener.path, "WATCHDOG_USEC": "300000000"]))
        #expect(manager.patience == .seconds(300))
        manager.ready()
        manager.beat { "topologies:\n1 running" }
        // The next one is not due for long.
        manager.beat { "topologies: 2 running" }
        manager.stopping()
        #expect(
            listener.take() == ["READY=1", "WATCHDOG=1\nSTATUS=topologies: 1 running", "STOPPING=1"])
    }

    @Test func signsOfLifeComeBeforePatienceEnds() throws {
        let listener = try Listener()
        let manager = try #require(
            ServiceManager(environment: ["NOTIFY_SOCKET": listener.path, "WATCHDOG_USEC": "3000"]))
        for _ in 0..<3 {
            manager.beat { "well" }
            Thread.sleep(forTimeInterval: 0.002)
        }
        #expect(listener.take() == Array(repeating: "WATCHDOG=1\nSTATUS=well", count: 3))
    }

    @Test func withoutAWatchdogThereIsOnlyNews() throws {
        let listener = try Listener()
        let environment = ["NOTIFY_SOCKET": listener.path, "WATCHDOG_USEC": "3000", "WATCHDOG_PID": "1"]
        let manager = try #require(ServiceManager(environment: environment))
        #expect(manager.patience == nil)
        manager.beat { "well" }
        #expect(listener.take() == ["STATUS=well"])
    }

    @Test func whoHasNoManagerTellsNobody() {
        #expect(ServiceManager(environment: [:]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": "relative"]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)]) == nil)
        // One that is gone is not waited for.
        ServiceManager(environment: ["NOTIFY_SOCKET": "/nowhere/at/all"])?.ready()
    }
}
