import Postgres
import Testing

@testable import Nodes

/// What is said about a silent server, and when it is given up.
@Suite struct SessionWatchTests {
    private static func report(_ fill: (inout ProcessReport) -> Void) -> SessionWatch.Finding {
        var report = ProcessReport()
        report.exists = true
        fill(&report)
        return .report(report)
    }

    private static let locked = report { report in
        report.state = "active"
        report.waitKind = "Lock"
        report.lockKind = "relation"
        report.table = "public.kpi"
        report.holders = [
            ProcessReport.Holder(
                process: ServerProcess(id: 4711), application: "psql\u{1B}[2J", state: "idle in transaction")
        ]
    }
    private static let idle = report { $0.state = "idle" }
    private static let commit = report { report in
        report.state = "active"
        report.waitKind = "IPC"
        report.waitEvent = "SyncRep"
    }

    @Test func theUserIsToldWhatIsWaitedFor() {
        let seconds = Duration.seconds(7)
        #expect(
            SessionWatch.words(seconds, Self.locked)
                == "the database has waited 7 s for a lock on table public.kpi, held by process 4711 "
                + "(psql[2J, idle in transaction)")
        #expect(SessionWatch.words(seconds, nil) == "the database has not answered for 7 s")
        #expect(SessionWatch.words(seconds, Self.idle).contains("its process is idle, as if nothing had arrived"))
        #expect(SessionWatch.words(seconds, Self.commit).contains("still works on the statement (it waits for SyncRep"))
        #expect(SessionWatch.words(seconds, .report(ProcessReport())).contains("it has ended this session"))
        let error = PostgresError(.connection, "Connection refused")
        #expect(SessionWatch.words(seconds, .unreachable(error)).contains("Connection refused"))
        let setup = Self.report { report in
            report.state = "active"
            report.waitKind = "Lock"
            report.lockKind = "advisory"
        }
        #expect(SessionWatch.words(seconds, setup).contains("an advisory lock"))
    }

    @Test func onlyWaitingInVainIsEnded() {
        let bounds = SilenceBounds()
        for finding in [nil, Self.idle, .unreachable(PostgresError(.connection, "refused"))] {
            #expect(!SessionWatch.isOver(.seconds(59), finding, bounds))
            #expect(SessionWatch.isOver(.seconds(60), finding, bounds))
        }
        // A server that works on it has not forgotten us: the same work would begin again.
        #expect(!SessionWatch.isOver(.seconds(599), Self.commit, bounds))
        #expect(!SessionWatch.isOver(.seconds(599), Self.locked, bounds))
        #expect(SessionWatch.isOver(.seconds(600), Self.commit, bounds))
        #expect(SessionWatch.isOver(.seconds(5), .report(ProcessReport()), bounds))
    }

    @Test func onlyInstancesThatStandStillAreEnded() {
        var holder = ProcessReport.Holder(process: ServerProcess(id: 1), application: "millrace")
        holder.isSameRole = true
        holder.isMillrace = true
        holder.clientSilentSeconds = 15
        let bounds = SilenceBounds()
        func isEnded(_ change: (inout ProcessReport.Holder) -> Void = { _ in }) -> Bool {
            var changed = holder
            change(&changed)
            return SessionWatch.isStandingStill(changed, "millrace", bounds)
        }
        #expect(isEnded())
        #expect(!isEnded { $0.clientSilentSeconds = 14 })
        #expect(!isEnded { $0.clientSilentSeconds = nil })
        #expect(!isEnded { $0.application = "psql" })
        #expect(!isEnded { $0.isSameRole = false })
        #expect(!isEnded { $0.isMillrace = false })
    }
}
