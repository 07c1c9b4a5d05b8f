#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The files that match a shell pattern.
enum FilePattern {
    /// The paths behind `pattern`, sorted; a pattern without wildcards is its own only path, whether it exists or not, and
    /// so is the name of a file that looks like a pattern.
    static func expand(_ pattern: String) -> (paths: [String], isPattern: Bool) {
        guard pattern.contains(where: { "*?[".contains($0) }), FileNumber(path: pattern) == nil else {
            return ([pattern], false)
        }
        var result = unsafe glob_t()
        defer { unsafe globfree(&result) }
        guard unsafe glob(pattern, 0, nil, &result) == 0 else { return ([], true) }
        let paths = unsafe (0..<Int(result.gl_pathc)).compactMap { index in
            unsafe result.gl_pathv[index].map { unsafe String(cString: $0) }
        }
        return (paths, true)
    }

    /// The path from the root, without symbolic links where the file exists, so that what is said about it does not depend
    /// on the directory a run starts in.
    static func absolute(_ path: String) -> String {
        if let resolved = unsafe realpath(path, nil) {
            defer { unsafe free(resolved) }
            return unsafe String(cString: resolved)
        }
        guard !path.hasPrefix("/"), path != "-", let folder = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(folder) }
        return unsafe String(cString: folder) + "/" + path
    }

    /// Whether a path leads to a directory.
    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}

/// Searching bytes.
enum ByteSearch {
    /// The position of the last newline, nil when there is none. Looks at one line only, so a plain loop does.
    static func lastNewline(in bytes: UnsafeRawBufferPointer) -> Int? {
        unsafe bytes.lastIndex(of: UInt8(ascii: "\n"))
    }

    /// The position of the first newline, nil when there is none.
    static func firstNewline(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let found = unsafe memchr(base, Int32(UInt8(ascii: "\n")), bytes.count) else {
            return nil
        }
        return unsafe UnsafeRawPointer(found) - base
    }
}
