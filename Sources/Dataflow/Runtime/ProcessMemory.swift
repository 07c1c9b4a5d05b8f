#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the system says about this process's memory.
public enum ProcessMemory {
    /// Anonymous bytes in real memory (RssAnon), of all topologies of the process together: what no file stands behind, so
    /// that the system cannot drop it. Nil where the system does not tell.
    ///
    /// Not among them are the pages of the program's own files, some 40 MiB, which all its processes share and which the
    /// system drops and reads again as it likes.
    public static var anonymousBytes: Int? {
        let file = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe text.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        guard count > 0 else { return nil }
        return anonymousPages(text.prefix(count)).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
    }

    /// Of the numbers in `/proc/PID/statm` the second, all pages, without the third, those of files.
    static func anonymousPages(_ statm: some Collection<UInt8>) -> Int? {
        let fields = statm.split(separator: UInt8(ascii: " "))
        guard fields.count > 2 else { return nil }
        let numbers = fields[1...2].compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        return numbers.count == 2 ? numbers[0] - numbers[1] : nil
    }
}
