package import Dataflow
package import Logging

/// The `file` source: newline-delimited JSON from files or streams, plain or gzip, read once each, in order of their names.
///
/// A file is a partition of its own whose offsets are byte positions in the uncompressed data, so that a run continues where
/// the last one committed, under whatever name it finds the file (`FilePositions`). What a run gets from a stream continues
/// what earlier runs got; what was read of one is kept until it is committed (`StreamReplay`).
package final class FileSource: Source {
    let plan: FilePlan
    let topology: String
    private let recordBytesMax: Int
    private let memory: MemoryAccountant
    private let registry: InputRegistry
    private let logger: Logger

    /// Creates a source; opens nothing before it runs.
    /// - Parameters:
    ///   - topology: the topology's name; its sources do not share files.
    ///   - recordBytesMax: the longest line that can be a record; of a longer one no more is kept.
    ///   - memory: what is kept of streams is drawn from it.
    package init(
        _ plan: FilePlan, topology: String, recordBytesMax: Int, memory: MemoryAccountant,
        registry: InputRegistry = .process, logger: Logger
    ) {
        self.plan = plan
        self.topology = topology
        self.recordBytesMax = recordBytesMax
        self.memory = memory
        self.registry = registry
        var logger = logger
        logger[metadataKey: "node"] = "\(plan.node)"
        self.logger = logger
    }

    package func run(_ intake: Intake) throws {
        var rest = try FileList(plan, logger).paths[...]
        for path in rest {
            try registry.register(
                path.number, isStream: path.stream != nil, label: path.label, by: self, node: plan.node,
                topology: topology)
        }
        var work = FileWork(
            plan: plan, topology: topology, recordBytesMax: recordBytesMax, memory: memory, logger: logger,
            positions: FilePositions(try intake.known(topicPrefix: "file:")))
        while !rest.isEmpty {
            let group = rest.prefix(SourceLimits.openFilesMax)
            rest = rest.dropFirst(group.count)
            try work.open(group, areLast: rest.isEmpty, intake)
            while try !work.read(intake) {
                if intake.isStopping { return work.tellLost() }
                try work.rewind(intake)
            }
            if intake.isStopping { return work.tellLost() }
            work.closeFiles()
        }
    }

    package func close(_ intake: Intake) { registry.release(self) }

    package var status: SourceStatus { SourceStatus(lag: nil, trouble: nil) }
}

/// The files behind a plan's patterns, each once.
struct FileList {
    /// One of them.
    struct Path {
        var path: String
        var label: String
        var number: FileNumber
        /// A stream stays open from the first look at it: its writer must not find nobody there.
        var stream: FileInput?
        /// Whether a pattern led to it, so that it may be gone again.
        var isOfPattern: Bool
        var place: String
    }

    private(set) var paths: [Path] = []

    /// Looks at every path.
    /// - Throws: `SourceError` when a path or a pattern leads nowhere.
    init(_ plan: FilePlan, _ logger: Logger) throws(SourceError) {
        var seen: [FileNumber: String] = [:]
        for pattern in plan.patterns {
            let place = "node \(plan.node), \(pattern.place)"
            let found = FilePattern.expand(pattern.text)
            guard !found.paths.isEmpty else {
                throw SourceError.file(
                    FilePattern.absolute(pattern.text), "no file matches this pattern (\(place))")
            }
            for path in found.paths {
                if found.isPattern, FilePattern.isDirectory(path) {
                    logger.notice("A directory matches the pattern and is left out", metadata: ["path": "\(path)"])
                    continue
                }
                let input: FileInput
                do {
                    input = try FileInput(path: path)
                } catch {
                    var error = error
                    error.description += " (\(place))"
                    throw error
                }
                if let other = seen.updateValue(input.label, forKey: input.number) {
                    guard other != input.label else { continue }
                    logger.notice(
                        "Two paths lead to one file, which is read once",
                        metadata: ["path": "\(input.label)", "other": "\(other)"])
                    continue
                }
                paths.append(
                    Path(
                        path: path, label: input.label, number: input.number,
                        stream: input.isStream ? input : nil, isOfPattern: found.isPattern, place: place))
            }
        }
        paths.sort { $0.label < $1.label }
    }
}
