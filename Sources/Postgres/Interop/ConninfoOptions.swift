import CLibPQ

/// libpq's own parser for connection settings.
enum ConninfoOptions {
    /// A keyword of libpq with its value.
    typealias Option = (keyword: String, value: String)

    /// The settings that a URL or a `key=value` text gives, without defaults; nil and libpq's message when it is not
    /// understood. That message may quote any part of the text, a password included.
    static func parse(_ text: String) -> (options: [Option]?, message: String) {
        var error: UnsafeMutablePointer<CChar>?
        let list = unsafe PQconninfoParse(text, &error)
        defer {
            unsafe PQconninfoFree(list)
            unsafe PQfreemem(error)
        }
        guard let list = unsafe list else {
            return (nil, unsafe error.map { unsafe String(cString: $0).singleLine } ?? "out of memory")
        }
        return (unsafe options(in: list), "")
    }

    /// Every keyword that the installed libpq knows.
    static func knownKeywords() -> [String] {
        guard let list = unsafe PQconndefaults() else { return [] }
        defer { unsafe PQconninfoFree(list) }
        var keywords: [String] = []
        var entry = unsafe list
        while let keyword = unsafe entry.pointee.keyword {
            keywords.append(unsafe String(cString: keyword))
            unsafe entry += 1
        }
        return keywords
    }

    /// What libpq would connect with: `given` completed by the service file, the environment and its defaults; and
    /// libpq's complaint, if any. Nothing is sent anywhere.
    ///
    /// libpq offers this only on a connection object, so one is started with an impossible `gssencmode`: libpq
    /// merges all sources, then refuses before it looks up a host.
    static func resolve(_ given: [Option]) -> (effective: [String: String], complaint: String?) {
        let sentinel = "resolve-only"
        let connection = unsafe start(given.filter { $0.keyword != "gssencmode" } + [("gssencmode", sentinel)])
        guard let connection = unsafe connection else { return ([:], "out of memory") }
        defer { unsafe PQfinish(connection) }
        let message = unsafe String(cString: PQerrorMessage(connection)).singleLine
        var effective: [String: String] = [:]
        if let list = unsafe PQconninfo(connection) {
            for option in unsafe options(in: list) { effective[option.keyword] = option.value }
            unsafe PQconninfoFree(list)
        }
        return (effective, message.contains(sentinel) ? nil : message)
    }

    /// Starts a connection; the caller owns it. Nil without memory.
    static func start(_ options: [Option]) -> OpaquePointer? {
        unsafe withCStrings(options.map(\.keyword)) { keywords in
            unsafe withCStrings(options.map(\.value)) { values in
                unsafe PQconnectStartParams(keywords, values, 0)
            }
        }
    }

    private static func options(in list: UnsafeMutablePointer<PQconninfoOption>) -> [Option] {
        var options: [Option] = []
        var entry = unsafe list
        while let keyword = unsafe entry.pointee.keyword {
            if let value = unsafe entry.pointee.val {
                options.append((unsafe String(cString: keyword), unsafe String(cString: value)))
            }
            unsafe entry += 1
        }
        return options
    }

    /// A nil-terminated array of C strings, valid during `body`.
    private static func withCStrings<Value>(
        _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
    ) -> Value {
        var bytes: [CChar] = []
        var offsets: [Int] = []
        for string in strings {
            offsets.append(bytes.count)
            bytes.append(contentsOf: string.utf8CString)
        }
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            var pointers: [UnsafePointer<CChar>?] = unsafe offsets.map { unsafe buffer.baseAddress! + $0 }
            unsafe pointers.append(nil)
            return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
        }
    }
}
