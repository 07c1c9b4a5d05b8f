import Postgres
import Synchronization
import Testing

@Suite struct NoticeTests {
    @Test func warningsGoToTheHandler() throws {
        let notices = Mutex<[Notice]>([])
        var connection = try TestCluster.connect(onNotice: { notice in notices.withLock { $0.append(notice) } })
        try connection.execute(
            """
            DO $$ BEGIN
                RAISE WARNING 'careful' USING DETAIL = 'why', HINT = 'how', ERRCODE = '01234';
                RAISE NOTICE 'by the way';
            END $$; DROP TABLE IF EXISTS nothing_here; COMMIT
            """)
        let received = notices.withLock { $0 }
        #expect(received.first?.sqlState == "01234")
        #expect(received.first?.message == "careful")
        #expect(received.first?.detail == "why")
        #expect(received.first?.hint == "how")
        #expect(received.map(\.severity) == ["WARNING", "NOTICE", "NOTICE", "WARNING"])
    }

    @Test func withoutAHandlerTheyAreDropped() throws {
        var connection = try TestCluster.connect()
        try connection.execute("DO $$ BEGIN RAISE WARNING 'unheard'; END $$")
        #expect(isAlive(&connection) == true)
    }
}
