import Glibc

/// What the system says about the memory of programs.
package enum ProgramMemory {
    /// Resident bytes of all processes in a process group; 0 when there are none.
    package static func residentBytes(ofGroup group: Int32) -> Int {
        let pageBytes = sysconf(Int32(_SC_PAGESIZE))
        var pages = 0
        for name in SystemFile.names(in: "/proc") {
            guard Int32(name) != nil, let text = SystemFile.read("/proc/\(name)/stat") else { continue }
            // The name in parentheses may hold anything; behind it are state, parent, group, and 18 words later the pages.
            let words = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
            if words.count > 22, Int32(words[3]) == group { pages += Int(words[22]) ?? 0 }
        }
        return pages * pageBytes
    }

    /// How many processes the kernel has killed so far because memory ran out, as far as this process can see.
    package static var kernelKills: Int {
        var kills = count("oom_kill", in: "/proc/vmstat")
        for line in (SystemFile.read("/proc/self/cgroup") ?? "").split(separator: "\n") where line.hasPrefix("0::") {
            kills += count("oom_kill", in: "/sys/fs/cgroup\(line.dropFirst(3))/memory.events")
        }
        return kills
    }

    private static func count(_ name: String, in path: String) -> Int {
        for line in (SystemFile.read(path) ?? "").split(separator: "\n") where line.hasPrefix(name + " ") {
            return Int(line.dropFirst(name.utf8.count + 1)) ?? 0
        }
        return 0
    }
}

/// A small file of the kernel's, which says nothing of its size.
enum SystemFile {
    /// What a folder holds; nothing when it is not there.
    static func names(in path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe names.append(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
            }
        }
        return names
    }

    /// The text, nil when it cannot be read.
    static func read(_ path: String) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe Glibc.read(file, &piece, piece.count)
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
