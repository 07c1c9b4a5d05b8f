import ArgumentParser
import Catalog
import Foundation
import Platform
import Postgres
import Synchronization

/// `millrace top`: the deployed topologies on the whole screen, live.
struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch the deployed topologies on the whole screen, those in trouble first.",
        discussion: """
            Keys: up and down choose a topology, enter shows its nodes and partitions, esc goes back, q ends. For programs \
            there is `millrace status --json`.
            """)

    @Option(
        help: ArgumentHelp(
            "How often to look, such as 2s; from 200ms to 1m. Without it, each second.", valueName: "duration"))
    var interval: TimeLength?

    @OptionGroup var catalog: CatalogOptions

    func validate() throws {
        if catalog.json { throw ValidationError("top is for people; for programs there is millrace status --json") }
        if let interval, !(.milliseconds(200)...Duration.seconds(60) ~= interval.duration) {
            throw ValidationError("--interval: 200ms to 1m")
        }
    }

    func run() async throws {
        let settings = try connection()
        let watch = TopWatch(settings, every: interval?.duration ?? .seconds(1))
        try await onThread(named: "screen") {
            do {
                let terminal = try TopTerminal()
                defer { terminal.close() }
                StopSignal.watch()
                Self.show(watch, on: terminal)
            } catch {
                StandardError.write(
                    "millrace: top draws on a terminal, and here is none; millrace status prints the same once")
                throw ExitCode(1)
            }
        }
    }

    private func connection() throws -> ConnectionSettings {
        do { return try catalog.settings() } catch let error as PostgresError {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
    }

    /// Draws until a key or a signal ends it.
    private static func show(_ watch: TopWatch, on terminal: TopTerminal) {
        var screen = TopScreen()
        screen.hasColours = (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
        Thread.detachNewThread { watch.run() }
        defer { watch.stop() }
        var shown: [String] = []
        while !StopSignal.isRaised {
            for news in watch.take() {
                switch news {
                case .look(let look):
                    screen.history.note(look)
                    screen.trouble = nil
                case .trouble(let trouble): screen.trouble = trouble
                }
            }
            let size = terminal.size
            let lines = screen.lines(columns: size.columns, rows: size.rows)
            if lines != shown { terminal.show(lines) }
            shown = lines
            for key in terminal.keys(within: 100) where !screen.press(key) { return }
        }
    }
}

/// Looks into the catalogue again and again, on a thread of its own, so that keys work while the database is away.
final class TopWatch: Sendable {
    enum News {
        case look(TopHistory.Look)
        /// There is nothing new, and why.
        case trouble(String)
    }

    private struct State {
        var news: [News] = []
        var isStopped = false
    }

    private let settings: ConnectionSettings
    private let interval: Duration
    private let state = Mutex(State())

    init(_ settings: ConnectionSettings, every interval: Duration) {
        self.settings = settings
        self.interval = interval
    }

    /// What came since this was asked last.
    func take() -> [News] {
        state.withLock { state in
            defer { state.news = [] }
            return state.news
        }
    }

    func stop() { state.withLock { $0.isStopped = true } }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    private func tell(_ news: News) { state.withLock { $0.news.append(news) } }

    /// Looks until it is stopped; a connection that fails is made anew.
    func run() {
        while !isStopped {
            do {
                var catalog = try Catalog(
                    connecting: settings,
                    report: { [self] seconds in tell(.trouble("the database has not answered for \(seconds) s")) })
                while !isStopped {
                    tell(.look(TopHistory.Look(statuses: try TopologyStatus.all(&catalog), moment: .now)))
                    Thread.sleep(forTimeInterval: interval / .seconds(1))
                }
            } catch {
                tell(.trouble("\(error)"))
                Thread.sleep(forTimeInterval: max(1, interval / .seconds(1)))
            }
        }
    }
}
