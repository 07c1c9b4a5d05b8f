import LocalServices
import Postgres
import Testing

@Suite struct FaultProxyTests {
    private func open(_ proxy: FaultProxy) throws -> Connection {
        let settings = try ConnectionSettings(url: "postgresql://postgres@127.0.0.1:\(proxy.port)/?sslmode=disable")
        return try Connection.connect(settings, deadline: .now + .seconds(10))
    }

    @Test func bytesPassUnchanged() throws {
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        var connection = try open(proxy)
        let block = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try connection.query("SELECT $1", [.bytes(block)]).bytes(0, 0) == block)
        #expect(proxy.connectionCount == 1)
        #expect(proxy.acceptedCount == 1)
    }

    @Test(arguments: [true, false])
    func aCutIsNoticed(orderly: Bool) throws {
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        var connection = try open(proxy)
        #expect(isAlive(&connection) == true)
        proxy.cut(orderly: orderly)
        let error = failure { () throws(PostgresError) in try connection.query("SELECT 1") }
        #expect(error?.isConnectionLost == true)
        #expect(error?.fate == .reconnect)
    }

    @Test func refusingAndAcceptingAgain() throws {
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        proxy.refuse(true)
        #expect(throws: PostgresError.self) { _ = try open(proxy).backendPID }
        proxy.refuse(false)
        var connection = try open(proxy)
        #expect(isAlive(&connection) == true)
    }

    @Test func aStalledConnectionGoesOn() throws {
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        let connection = try open(proxy)
        proxy.stall(true)
        let other = OtherThread(connection) { (connection: inout Connection) -> Int? in
            do { return try connection.query("SELECT 1").rowCount } catch { return nil }
        }
        proxy.stall(false)
        #expect(other.wait() == 1)
    }
}
