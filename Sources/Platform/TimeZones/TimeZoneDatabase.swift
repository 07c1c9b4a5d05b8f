import Foundation
import Synchronization

/// The time zones of a machine: a folder of compiled ones, a file each, as the tz database is installed everywhere.
///
/// A zone that was read once stays in memory, some kilobytes each; there are about 600 names.
public final class TimeZoneDatabase: Sendable {
    /// Why there are no rules for a name.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// There is no database in any of these folders.
        case noDatabase([String])
        /// The database has no such zone; it may have one that is spelled almost so.
        case unknown(String, suggestion: String?)
        /// The zone's file cannot be used.
        case unusable(String, why: String)

        /// One sentence.
        public var description: String {
            switch self {
            case .noDatabase(let folders):
                "no time zone database in \(folders.joined(separator: " or ")); install the package tzdata"
            case .unknown(let name, let suggestion):
                "no time zone is called \(name)" + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
            case .unusable(let name, let why): "the time zone \(name) cannot be read: \(why)"
            }
        }
    }

    /// The database of this machine: in the folder that `TZDIR` names, else where systems keep it.
    public static let system = TimeZoneDatabase(
        folders: ProcessInfo.processInfo.environment["TZDIR"].map { [$0] }
            ?? ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"])

    private struct State {
        var rules: [String: TimeZoneRules] = [:]
        /// Names by their small letters; nil until somebody asks.
        var names: [String: String]?
    }

    private let folders: [String]
    private let state = Mutex(State())

    /// The database in the first of these folders that there is.
    public init(folders: [String]) { self.folders = folders }

    /// The rules of the zone called `name`, large and small letters being the same, as in Postgres.
    ///
    /// The first call for a zone reads its file; the first one for a name that is not spelled as in the database lists
    /// the folder.
    public func rules(named name: String) throws(Failure) -> TimeZoneRules {
        let result = state.withLock { state in
            Result { () throws(Failure) in try self.rules(named: name, &state) }
        }
        do throws(Failure) { return try result.get() } catch {
            guard case .unknown = error else { throw error }
            throw .unknown(name, suggestion: Suggestion.nearest(to: name, in: names))
        }
    }

    /// The same for names that come in data, of which many may be wrong: nil when there is nothing of that name that can be
    /// used, and no thought is given to what may be meant.
    public func find(_ name: String) -> TimeZoneRules? {
        state.withLock { state in
            do throws(Failure) { return try rules(named: name, &state) } catch { return nil }
        }
    }

    /// What to write in place of a name that is a zone with summer time here and, to Postgres, an abbreviation for one of its
    /// offsets; nil for all others. A table and the query over it would not meet.
    public static func advice(onTwofold name: String) -> String? {
        twofold[name.lowercased()].map { city, fixed in
            "Postgres takes \(name.uppercased()) for an offset that has no summer time: write \(city), or \(fixed) for that "
                + "offset all year"
        }
    }

    private static let twofold = [
        "cet": ("Europe/Brussels", "Etc/GMT-1"), "met": ("Europe/Brussels", "Etc/GMT-1"),
        "eet": ("Europe/Athens", "Etc/GMT-2"), "wet": ("Europe/Lisbon", "Etc/GMT"),
    ]

    /// Every name, in alphabetical order.
    public var names: [String] {
        guard let folder else { return [] }
        return state.withLock { Self.names(in: folder, &$0).values.sorted() }
    }

    private var folder: String? { folders.first { Self.isThere($0, asFolder: true) } }

    private static func isFile(_ path: String) -> Bool { isThere(path, asFolder: false) }

    private static func isThere(_ path: String, asFolder: Bool) -> Bool {
        var isFolder: ObjCBool = false
        let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        return exists && isFolder.boolValue == asFolder
    }

    private func rules(named name: String, _ state: inout State) throws(Failure) -> TimeZoneRules {
        if let known = state.rules[name] { return known }
        guard let folder else { throw .noDatabase(folders) }
        var found = name
        if !Self.mayBeName(name) || !Self.isFile(folder + "/" + name) {
            let names = Self.names(in: folder, &state)
            guard let other = names[name.lowercased()] else { throw .unknown(name, suggestion: nil) }
            if let known = state.rules[other] { return known }
            found = other
        }
        guard let content = FileManager.default.contents(atPath: folder + "/" + found) else {
            throw .unusable(found, why: "its file cannot be opened")
        }
        do throws(TimeZoneFile.Fault) {
            let rules = try TimeZoneFile.rules([UInt8](content), name: found)
            state.rules[found] = rules
            return rules
        } catch { throw .unusable(found, why: error.what) }
    }

    /// Whether a text can be a zone's name: no path that leads out of the database, none of its lists and of its zones
    /// that are another machine's affair.
    private static func mayBeName(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, !["right", "posix", "localtime", "posixrules"].contains(first) else {
            return false
        }
        return parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    (65...90).contains(byte & 0xdf) || (48...57).contains(byte) || [43, 45, 95].contains(byte)
                }
        }
    }

    private static func names(in folder: String, _ state: inout State) -> [String: String] {
        if let names = state.names { return names }
        var names: [String: String] = [:]
        for path in FileManager.default.subpaths(atPath: folder) ?? [] where mayBeName(path) {
            guard let file = FileHandle(forReadingAtPath: folder + "/" + path) else { continue }
            // A folder can be opened too, and not be read.
            if let head = try? file.read(upToCount: 4), head.elementsEqual("TZif".utf8) {
                names[path.lowercased()] = path
            }
            try? file.close()
        }
        state.names = names
        return names
    }
}
