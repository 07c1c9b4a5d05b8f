import ArgumentParser
import Foundation

/// `millrace import-crontab`: what cron and semaphores do, as a topology.
struct ImportCrontab: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-crontab",
        abstract: "Propose a topology for the programs that a crontab runs under semaphores.",
        discussion: """
            Reads lines such as

              * * * * * sem --id ImportProcess -j2 /opt/import --fast

            and prints a topology with an exec node for each program, at most so many of it at once, one after the other in \
            the order of the file. What it cannot translate it says on standard error, by line; a line that it cannot read at all \
            makes the exit code 1. Changes nothing.

              crontab -l | millrace import-crontab - >from_crontab.yaml
            """)

    @Argument(help: ArgumentHelp("The crontab; - is standard input.", valueName: "file"))
    var file: String

    @Flag(help: "A user stands in front of each command, as in /etc/crontab and /etc/cron.d.")
    var system = false

    func run() throws {
        let proposal = CrontabProposal(Crontab(try text(), hasUsers: system))
        for remark in proposal.remarks { StandardError.write("\(file):\(remark)") }
        guard !proposal.isEmpty else {
            StandardError.write(
                "millrace: \(file): no line runs a program under a semaphore, found none of sem --id NAME -jN PROGRAM; is it a "
                    + "crontab with users (--system)?")
            throw ExitCode(1)
        }
        print(proposal.text(from: file), terminator: "")
        guard proposal.unreadable.isEmpty else {
            let lines = proposal.unreadable.map(String.init).joined(separator: ", ")
            StandardError.write(
                "millrace: \(file): the proposal lacks what could not be read, line \(lines); mend the crontab\(advice), and run it "
                    + "again")
            throw ExitCode(1)
        }
    }

    /// What else may be the matter with lines that are none.
    private var advice: String { system ? "" : ", or say --system if it has users" }

    private func text() throws -> String {
        do throws(TopologyFileReader.Failure) {
            return String(decoding: try TopologyFileReader.bytes(of: file), as: UTF8.self)
        } catch {
            StandardError.write(
                "millrace: \(file) cannot be read: \(error.reason), expected a crontab; the one of a user: crontab -l")
            throw ExitCode(1)
        }
    }
}
