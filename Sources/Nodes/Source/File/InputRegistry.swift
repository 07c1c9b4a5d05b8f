import Dataflow
import Synchronization

/// Who reads what in this process, known by what it is: two sources of a topology must not read the same file, and nobody
/// shares a stream, of which each would get a part.
package final class InputRegistry: Sendable {
    /// The one of this process.
    package static let process = InputRegistry()

    private struct Place: Hashable {
        var number: FileNumber
        /// The topology, nil for streams.
        var topology: String?
    }

    private struct Reader {
        var name: String
        var label: String
        /// Tells two sources of one name apart.
        var source: ObjectIdentifier?
    }

    private let readers = Mutex<[Place: Reader]>([:])

    package init() {}

    /// Notes that standard input is read to its end for something else than a source.
    /// - Parameter use: `the topology file`, for messages.
    package func takeStandardInput(for use: String) {
        guard let number = FileNumber(descriptor: 0) else { return }
        readers.withLock { $0[Place(number: number)] = Reader(name: use, label: "-") }
    }

    /// Registers what a source reads.
    /// - Throws: `SourceError` naming both readers, when there is another.
    func register(
        _ number: FileNumber, isStream: Bool, label: String, by source: FileSource, node: String, topology: String
    ) throws(SourceError) {
        let place = Place(number: number, topology: isStream ? nil : topology)
        let reader = Reader(name: "node \(node)", label: label, source: ObjectIdentifier(source))
        let other = readers.withLock { readers -> Reader? in
            if let other = readers[place], other.source != reader.source { return other }
            readers[place] = reader
            return nil
        }
        guard let other else { return }
        if other.source == nil {
            throw SourceError.file(
                label, "\(other.name) was read from it, and \(reader.name) reads it too; give the topology as a file")
        }
        let also = other.label == label ? "" : " (there it is called \(other.label))"
        throw SourceError.file(
            label,
            "\(other.name) and \(reader.name) read it both\(also), expected one source for each file; "
                + "let several nodes read from one source")
    }

    /// Forgets what a source read.
    func release(_ source: FileSource) {
        let gone = ObjectIdentifier(source)
        readers.withLock { readers in readers = readers.filter { $0.value.source != gone } }
    }
}
