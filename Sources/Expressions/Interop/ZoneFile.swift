#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files of the system's time zone database.
enum ZoneFile {
    private static let folder = "/usr/share/zoneinfo"
    /// Bytes of the largest file that is read; zones have a few thousand.
    private static let bytesMax = 256 * 1024

    /// The bytes of a zone's file; nil when the name is none that a zone could have, or there is no such file.
    static func read(_ name: String) -> [UInt8]? {
        let isPlain = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || $0 == 0x2F || $0 == 0x5F || $0 == 0x2B || $0 == 0x2D
        }
        guard isPlain, let first = name.utf8.first, first != 0x2F, !name.hasSuffix("/"), name.utf8.count <= 64 else {
            return nil
        }
        return contents("\(folder)/\(name)")
    }

    /// The names of zones, for suggestions.
    static func names() -> [String] {
        let table = contents("\(folder)/zone1970.tab") ?? contents("\(folder)/zone.tab") ?? []
        return String(decoding: table, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .compactMap { line in
                let fields = line.split(separator: "\t")
                return fields.count > 2 ? String(fields[2]) : nil
            }
    }

    private static func contents(_ path: String) -> [UInt8]? {
        guard let file = unsafe fopen(path, "rbe") else { return nil }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = unsafe fread(&bytes, 1, bytesMax, file)
        guard count > 0, unsafe ferror(file) == 0 else { return nil }
        return Array(bytes.prefix(count))
    }
}
