import Declaration
import Testing

@testable import Millrace

/// Crontabs with semaphores become topologies that pass their check; what cannot be said is said.
@Suite struct CrontabProposalTests {
    private static func proposal(_ crontab: String, hasUsers: Bool = false) -> CrontabProposal {
        CrontabProposal(Crontab(crontab, hasUsers: hasUsers))
    }

    /// The semaphores of the studio whose wishes Millrace is made of.
    private static let origin = """
        # the warehouse
        MAILTO=ops@example.com
        * * * * * sem --id ImportProcess -j2 /opt/warehouse/import
        * * * * * sem --id TransformProcess -j 5 php '/opt/ware house/transform.php' --day "today"
        */5 * * * * /usr/bin/sem -j7 --id=SummaryProcess --timeout 600 /opt/warehouse/summary $HOME/${DAY} >>/var/log/s.log 2>&1
        0 4 * * * /opt/backup
        """

    @Test func theSemaphoresOfACrontabAreNodesWithTheirLimits() throws {
        let proposal = Self.proposal(Self.origin)
        let text = proposal.text(from: "/etc/warehouse.cron")
        let (topology, diagnostics) = TopologyLoader(environment: [
            "KAFKA_BROKERS": "b:1", "DATABASE_URL": "postgresql://h/d",
        ]).load(text: text, from: "t.yaml")
        #expect(diagnostics.all.isEmpty, "\(diagnostics)\n\(text)")
        let found = try #require(topology)
        #expect(
            found.stages.map(\.name) == ["records", "import_process", "transform_process", "summary_process", "totals"])
        #expect(found.stages.map(\.concurrency) == [nil, 2, 5, 7, nil])
        #expect(text.contains("command: [php, \"/opt/ware house/transform.php\", \"--day\", today]"))
        // The shell still has its variables to put in their places.
        #expect(text.contains("command: \"/opt/warehouse/summary $HOME/$${DAY}\""))
        #expect(text.contains("timeout: 600s"))
        #expect(
            proposal.remarks.map(\.description) == [
                "2: the variable MAILTO is cron's; give it to the programs with env:",
                "5: has no counterpart for what follows on it (>>/var/log/s.log 2>&1)",
                "6: runs no program under a semaphore (sem --id NAME -jN PROGRAM), and stays cron's",
            ])
    }

    @Test(arguments: [
        (
            "* * * * sem --id A -j2 x",
            "1: this is no line of a crontab: expected five fields of time or one of @reboot, "
        ),
        ("@sometimes sem --id A x", "1: this is no line of a crontab"),
        (
            "* * * * * sem --id A -j+0 x",
            "1: is not translated: -j+0 depends on the machine, expected a number of programs"
        ),
        ("* * * * * sem --id A -j200% x", "1: is not translated: -j200% depends on the machine"),
        ("* * * * * sem --wait --id A", "1: is not translated: sem --wait waits for others, and starts nothing"),
        ("* * * * * sem --id A -j2", "1: is not translated: sem starts no program here"),
        ("* * * * * sem --id A -j2 'x", "1: is not translated: a quote or a bracket is not closed"),
        ("* * * * * sem --id A -j2 x $(date", "1: is not translated: a quote or a bracket is not closed"),
        (
            "* * * * * test -f x || sem --id A -j2 x",
            "1: is not translated: a semaphore stands behind ||, expected it first, or behind && or ;"
        ),
        (
            "* * * * * bash -c 'cd /opt; sem --id A -j2 x'",
            "1: is not translated: a semaphore stands inside of quotes or brackets"
        ),
        ("* * * * * cd /opt && ./run.sh", "1: runs no program under a semaphore"),
        ("* * * * * parallel -j2 x ::: a b", "1: runs no program under a semaphore"),
    ])
    func whatIsNotTranslatedIsSaid(line: String, expected: String) {
        let proposal = Self.proposal(line)
        #expect(proposal.isEmpty && proposal.remarks.count == 1)
        #expect(proposal.remarks[0].description.hasPrefix(expected), "\(proposal.remarks)")
    }

    /// A line that nobody understands may have started something; one that stays cron's is understood.
    @Test func linesThatCannotBeReadAreToldFromOthers() {
        let proposal = Self.proposal(Self.origin + "\n61 * * sem --id B x\n* * * * * sem --id C -j2 y\n")
        #expect(proposal.unreadable == [7])
        #expect(!proposal.isEmpty && Self.proposal(Self.origin).unreadable == [])
    }

    @Test(arguments: [
        ("sem x", "sem", 1, ["x"]), ("sem --id=A -P3 -- x -y", "A", 3, ["x", "-y"]),
        ("nice /usr/bin/parallel --semaphore --semaphorename A --jobs 4 --fg x", "A", 4, ["x"]),
        ("sem --id A -j 2 'x | y'", "A", 2, ["x | y"]),
        ("sem --id A x a\\ b \"c\\\"d\" e'f'", "A", 1, ["x", "a b", "c\"d", "ef"]),
        ("sem --id a -j2 /opt/x --day $(date +%F) --end", "a", 2, ["/opt/x --day $(date +%F) --end"]),
        ("sem x \"$(a | b \"c)\" ')')\" d", "sem", 1, ["x \"$(a | b \"c)\" ')')\" d"]),
        ("sem x ${DAY:-a;b} `c | d` e", "sem", 1, ["x ${DAY:-a;b} `c | d` e"]),
        ("sem x $((1 + (2))) y >z", "sem", 1, ["x $((1 + (2))) y"]), ("sem \"a $HOME | b\"", "sem", 1, ["a $HOME | b"]),
        ("sem x --day '+\\%F'", "sem", 1, ["x", "--day", "+%F"]),
        ("sem x $(date +\\%F)", "sem", 1, ["x $(date +%F)"]),
        ("cd /opt && sem --id z -j2 ./run.sh", "z", 2, ["cd /opt && ./run.sh"]),
        ("cd /opt >/dev/null 2>&1; sem --id z './run.sh | b' >>c", "z", 1, ["cd /opt >/dev/null 2>&1; ./run.sh | b"]),
    ])
    func optionsAreReadInAllTheirSpellings(line: String, id: String, limit: Int, command: [String]) throws {
        let call = try SemaphoreCall.read(line)
        #expect(call.id == id && call.limit == limit && call.command == command, "\(call)")
    }

    @Test func whatIsForAShellIsSaid() {
        let proposal = Self.proposal(
            "0 0 * * * sem --id a -j2 /opt/x $(date +\\%F)\n0 1 * * * cd /opt && sem --id z ./run.sh\n"
                + "0 2 * * * sem --id b mail x%text")
        let text = proposal.text(from: "-")
        #expect(text.contains("command: \"/opt/x $(date +%F)\"\n"), "\(text)")
        #expect(text.contains("command: \"cd /opt && ./run.sh\"\n"), "\(text)")
        #expect(
            proposal.remarks.map(\.description) == [
                "2: runs its program behind cd /opt &&, and is proposed as one line for a shell",
                "3: has no counterpart for % of cron, which stands for a new line",
            ])
    }

    @Test func linesOfOneSemaphoreAreOneNodeOrAreSaidToShareIt() {
        let proposal = Self.proposal(
            """
            0 * * * * root sem --id A -j2 x
            30 * * * * root sem --id A -j2 x
            @daily root sem --id A -j2 y
            """, hasUsers: true)
        let text = proposal.text(from: "-")
        #expect(text.contains("\n  a:\n") && text.contains("\n  a_2:\n    from: a\n"), "\(text)")
        #expect(
            proposal.remarks.map(\.description) == [
                "2: does what line 1 does: one node, which works when there is work",
                "3: shares the semaphore A with line 1; two nodes do not share a limit, so lower the concurrency of one",
            ])
    }
}
