extension FunctionCatalog {
    static let urls: [ExpressionFunction] = [
        ExpressionFunction(
            "url_host",
            "The host of a URL, without user and port, its ASCII letters in lower case; null where there is none.",
            [
                .init("url_host('https://me@shop.example:8443/a?b=c')", "shop.example"),
                .init("url_host('HTTPS://Shop.Example')", "shop.example"), .init("url_host('/a')", nil),
            ],
            isOwn: true,
            .form(
                [.text("url")], .text,
                Kernel.write { (url: TextView, out: inout TextWriter) in
                    guard let host = URLParts(url).host else { return false }
                    // Hosts are the same in any case (RFC 3986, 3.2.2).
                    for index in host {
                        let byte = url[index]
                        out.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
                    }
                    return true
                }.searching.costly)),
        ExpressionFunction(
            "url_path", "The path of a URL, or of a path with a query.",
            [.init("url_path('https://shop.example/a/b?c=d#e')", "/a/b"), .init("url_path('/a?b')", "/a")],
            isOwn: true, .form([.text("url")], .text, Kernel.cut { (url: TextView) in URLParts(url).path }.costly)),
        ExpressionFunction(
            "url_query_parameter",
            "The first value of a parameter in a URL's query, decoded; null where there is none.",
            [
                .init("url_query_parameter('/a?utm=x%20y&b', 'utm')", "x y"),
                .init("url_query_parameter('/a?b', 'b')", ""),
                .init("url_query_parameter('/a', 'b')", nil),
            ], isOwn: true,
            .form(
                [.text("url"), .text("name")], .text,
                Kernel.write { (url: TextView, name: TextView, out: inout TextWriter) in
                    queryParameter(url, name, &out)
                }.searching.costly)),
        ExpressionFunction(
            "url_decode", "The text with `%XX` and `+` decoded; null where that is no UTF-8.",
            [.init("url_decode('gr%C3%B6%C3%9Fe+1')", "größe 1"), .init("url_decode('%zz')", nil)], isOwn: true,
            .form(
                [.text("t")], .text,
                Kernel.write { (text: TextView, out: inout TextWriter) in
                    PercentCoding.decode(text, &out)
                }.costly)),
        ExpressionFunction(
            "path_template",
            "The path with its ids replaced, so that requests to one endpoint are alike: a segment of digits, a UUID, and one "
                + "of 8 or more hexadecimal digits, a digit among them, is `:id`. What stands from `?` or `#` on is "
                + "dropped; of more than 16 segments the rest is `…`, a segment of more than 64 bytes is `:long`.",
            [
                .init("path_template('/users/17/orders/4f3a9c21?x=1')", "/users/:id/orders/:id"),
                .init("path_template('/d/123e4567-e89b-12d3-a456-426614174000')", "/d/:id"),
            ], isOwn: true,
            .form(
                [.text("path")], .text,
                Kernel.write { (path: TextView, out: inout TextWriter) in
                    PathTemplate.write(path, &out)
                    return true
                }.costly)),
    ]

    private static func queryParameter(_ url: TextView, _ name: TextView, _ out: inout TextWriter) -> Bool {
        guard let query = URLParts(url).query else { return false }
        var start = query.lowerBound
        while start <= query.upperBound {
            let end = min(url.find(byte: UInt8(ascii: "&"), from: start) ?? query.upperBound, query.upperBound)
            let equals = min(url.find(byte: UInt8(ascii: "="), from: start) ?? end, end)
            if PercentCoding.decode(url[start..<equals], &out) {
                let isWanted = out.written == name.count && (0..<name.count).allSatisfy { out[$0] == name[$0] }
                out.truncate(to: 0)
                if isWanted { return PercentCoding.decode(url[min(equals + 1, end)..<end], &out) }
            }
            out.truncate(to: 0)
            start = end + 1
        }
        return false
    }
}

/// Where the parts of a URL stand (RFC 3986), or of a path with a query.
struct URLParts {
    private(set) var host: Range<Int>?
    private(set) var path: Range<Int>
    private(set) var query: Range<Int>?

    init(_ url: TextView) {
        let fragment = url.find(byte: UInt8(ascii: "#")) ?? url.count
        let mark = min(url.find(byte: UInt8(ascii: "?")) ?? fragment, fragment)
        if mark < fragment { query = (mark + 1)..<fragment }
        var start = 0
        if let authority = Self.authority(url, mark) {
            let end = min(url.find(byte: UInt8(ascii: "/"), from: authority) ?? mark, mark)
            host = Self.host(url, authority..<end)
            start = end
        }
        path = start..<mark
    }

    /// Where the authority begins: behind `scheme://`, or `//` at the beginning.
    private static func authority(_ url: TextView, _ end: Int) -> Int? {
        var index = 0
        while index < end, isSchemeByte(url[index], isFirst: index == 0) { index += 1 }
        if index > 0 {
            guard index < end, url[index] == UInt8(ascii: ":") else { return nil }
            index += 1
        }
        guard index + 1 < end, url[index] == UInt8(ascii: "/"), url[index + 1] == UInt8(ascii: "/") else { return nil }
        return index + 2
    }

    private static func isSchemeByte(_ byte: UInt8, isFirst: Bool) -> Bool {
        if (0x61...0x7A).contains(byte | 0x20) { return true }
        return !isFirst && ((0x30...0x39).contains(byte) || byte == 0x2B || byte == 0x2D || byte == 0x2E)
    }

    private static func host(_ url: TextView, _ authority: Range<Int>) -> Range<Int>? {
        var (start, end) = (authority.lowerBound, authority.upperBound)
        var at = end - 1
        while at >= start, url[at] != UInt8(ascii: "@") { at -= 1 }
        if at >= start { start = at + 1 }
        if start < end, url[start] == UInt8(ascii: "[") {
            end = min(url.find(byte: UInt8(ascii: "]"), from: start).map { $0 + 1 } ?? end, end)
        } else if let colon = url.find(byte: UInt8(ascii: ":"), from: start), colon < end {
            end = colon
        }
        return start < end ? start..<end : nil
    }
}

/// `%XX`.
enum PercentCoding {
    /// Appends the decoded text; false when an escape is broken or the bytes are no UTF-8.
    static func decode(_ text: TextView, _ out: inout TextWriter) -> Bool {
        let start = out.written
        var hasBytes = false
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < text.count, let high = digit(text[index + 1]), let low = digit(text[index + 2]) else {
                    return false
                }
                let value = high << 4 | low
                guard value != 0 else { return false }
                hasBytes = hasBytes || value >= 0x80
                out.append(value)
                index += 3
            } else {
                out.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
        return !hasBytes || isUTF8(out, start)
    }

    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46, 0x61...0x66: (byte | 0x20) - 0x61 + 10
        default: nil
        }
    }

    private static func isUTF8(_ out: borrowing TextWriter, _ start: Int) -> Bool {
        var index = start
        while index < out.written {
            let lead = out[index]
            let width =
                lead < 0x80
                ? 1
                : (0xC2...0xDF).contains(lead)
                    ? 2
                    : (0xE0...0xEF).contains(lead)
                        ? 3
                        : (0xF0...0xF4).contains(lead) ? 4 : 0
            guard width > 0, index + width <= out.written else { return false }
            for offset in 1..<max(1, width) {
                let byte = out[index + offset]
                let low: UInt8 = offset > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80
                let high: UInt8 = offset > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF
                guard (low...high).contains(byte) else { return false }
            }
            index += width
        }
        return true
    }
}

/// Paths with placeholders for ids.
enum PathTemplate {
    private static let segmentsMax = 16
    private static let segmentBytesMax = 64

    static func write(_ path: TextView, _ out: inout TextWriter) {
        let end = URLParts(path).path.upperBound
        var start = URLParts(path).path.lowerBound
        var segments = 0
        while start <= end {
            let next = min(path.find(byte: UInt8(ascii: "/"), from: start) ?? end, end)
            let segment = path[start..<next]
            if segments > segmentsMax {
                out.append("…")
                return
            }
            write(segment: segment, &out)
            if next < end { out.append(0x2F) }
            if segment.count > 0 { segments += 1 }
            if next == end { return }
            start = next + 1
        }
    }

    private static func write(segment: TextView, _ out: inout TextWriter) {
        guard segment.count > 0 else { return }
        if segment.count > segmentBytesMax {
            out.append(":long")
            return
        }
        var (digits, hexDigits) = (0, 0)
        for index in 0..<segment.count {
            if (0x30...0x39).contains(segment[index]) { digits += 1 }
            if PercentCoding.digit(segment[index]) != nil { hexDigits += 1 }
        }
        let isUUID = segment.count == 36 && hexDigits == 32 && isUUID(segment)
        let isHash = hexDigits == segment.count && segment.count >= 8 && digits > 0
        if digits == segment.count || isUUID || isHash { out.append(":id") } else { out.append(segment) }
    }

    private static func isUUID(_ segment: TextView) -> Bool {
        segment[8] == 0x2D && segment[13] == 0x2D && segment[18] == 0x2D && segment[23] == 0x2D
    }
}
