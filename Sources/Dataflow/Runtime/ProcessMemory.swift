#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the system says about this process's memory.
public enum ProcessMemory {
    /// Bytes in real memory (VmRSS), of all topologies of the process together; nil where the system does not tell.
    public static var residentBytes: Int? {
        let file = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe text.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        guard count > 0 else { return nil }
        return residentPages(text.prefix(count)).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
    }

    /// The second number of `/proc/PID/statm`.
    static func residentPages(_ statm: some Collection<UInt8>) -> Int? {
        let fields = statm.split(separator: UInt8(ascii: " "))
        return fields.count > 1 ? Int(String(decoding: fields[1], as: UTF8.self)) : nil
    }
}
