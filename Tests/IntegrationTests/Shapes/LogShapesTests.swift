import Foundation
import Testing

/// Public log data as it comes: nginx, CloudTrail, Snowplow, game telemetry, devices. Nothing of it is a dead letter, and
/// every number that parsing alone can reach is the one that a person expects.
@Suite struct LogShapesTests {
    /// One row that the console printed.
    typealias Row = [String: String]

    /// Runs a topology over a file and takes the rows of its console.
    /// - Parameters:
    ///   - parse: the `parse_json` node, in one line.
    ///   - behind: the nodes behind `records`, the last of which is called `result`.
    static func rows(
        of path: String, parse: String, behind: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [Row] {
        let folder = try TopologyFolder()
        let text = """
            topology: shapes
            nodes:
              events: { file: "\(path)" }
              records: { from: events, parse_json: \(parse.replacing("\n", with: " ")) }
            \(behind.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
              shown: { from: result, console: {} }
            """
        let run = try Complaint.of(["run", try folder.file(text), "--progress", "none"])
        #expect(run.exit == .code(0) && run.errors.contains("dead=0"), "\(run.text)", sourceLocation: sourceLocation)
        return try run.output.split(separator: "\n").map { line in
            let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            return object.mapValues { $0 is NSNull ? "null" : "\($0)" }
        }
    }

    /// `lines` in a file.
    private static func sample(_ lines: String...) throws -> (folder: TopologyFolder, path: String) {
        let folder = try TopologyFolder()
        return (folder, try folder.file(named: "sample.ndjson", lines.joined(separator: "\n") + "\n"))
    }

    private static func by(_ key: String, _ value: String, in rows: [Row]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: rows.map { ($0[key] ?? "", $0[value] ?? "") })
    }

    // MARK: The topologies

    private static func nginx(_ path: String) throws -> Row {
        let rows = try rows(
            of: path,
            parse: """
                { accept: text, event_time: at, fields: { at: { path: time_local, type: timestamp, \
                format: "%d/%b/%Y:%H:%M:%S %z" }, status: integer, bytes: { path: body_bytes_sent, type: integer }, \
                seconds: { path: request_time, type: decimal(3) }, remote_addr: text, \
                uri: { path: request_uri, type: text, max_bytes: 1KiB, on_too_long: truncate }, \
                upstream: { path: upstream_response_time, type: decimal(3), on_type_error: "null" } } }
                """,
            behind: """
                result: { from: records, summarize: { metrics: { requests: count(), bytes: sum(bytes), seconds: sum(seconds), \
                first: min(at), last: max(at) } } }
                """)
        return try #require(rows.first)
    }

    /// Requests, server errors and addresses by endpoint: ids are no endpoints.
    private static func endpoints(_ path: String) throws -> [String: [String: String]] {
        let rows = try rows(
            of: path,
            parse:
                "{ accept: text, fields: { status: integer, remote_addr: text, uri: { path: request_uri, type: text } } }",
            behind: """
                shaped: { from: records, derive: { endpoint: "path_template(split_part(uri, '?', 1))" } }
                result: { from: shaped, summarize: { by: [endpoint], metrics: { requests: count(), \
                server_errors: { metric: count(), where: "status >= 500" }, addresses: uniques(remote_addr) } } }
                """)
        return Dictionary(
            uniqueKeysWithValues: rows.map { ($0["endpoint"] ?? "", $0.filter { $0.key != "endpoint" }) })
    }

    private static func cloudtrail(_ path: String) throws -> (names: [Row], mfa: [Row]) {
        let parse = """
            { each: Records, accept: text, event_time: at, fields: { at: { path: eventTime, type: timestamp }, \
            name: { path: eventName, type: text }, error: { path: errorCode, type: text }, \
            mfa: { path: additionalEventData.MFAUsed, type: boolean } } }
            """
        let names = try rows(
            of: path, parse: parse,
            behind: """
                failed: { from: records, filter: "error is not null" }
                result: { from: failed, summarize: { by: [name], metrics: { n: count() } } }
                """)
        let mfa = try rows(
            of: path, parse: parse,
            behind: "result: { from: records, summarize: { by: [mfa], metrics: { n: count() } } }")
        return (names, mfa)
    }

    private static func snowplow(_ path: String) throws -> (pages: [Row], all: Row) {
        let parse = """
            { accept: text, event_time: at, fields: { at: { path: collector_tstamp, type: timestamp, zone: UTC }, \
            event: { path: event_name, type: text }, user: { path: domain_userid, type: text }, \
            page: { path: page_urlpath, type: text }, value: { path: se_value, type: decimal(2) } } }
            """
        let pages = try rows(
            of: path, parse: parse,
            behind: "result: { from: records, summarize: { by: [page], metrics: { n: count() } } }")
        let all = try rows(
            of: path, parse: parse,
            behind: """
                result: { from: records, summarize: { metrics: { users: "uniques(user, precision: precise)", first: min(at), \
                value: sum(value) } } }
                """)
        return (pages, try #require(all.first))
    }

    private static func telemetry(_ path: String) throws -> (days: [Row], all: Row) {
        // One instant in two ways: as the clock on the wall showed it, for local days, and in UTC.
        let parse = """
            { accept: text, event_time: local, fields: { local: { path: "#time", type: timestamp, zone: UTC }, \
            at: { path: "#time", type: timestamp, zone: offset }, offset: { path: "#zone_offset", type: integer }, \
            account: { path: "#account_id", type: text }, price: { path: properties.price, type: decimal(2) }, \
            level: { path: properties.level, type: integer } } }
            """
        let days = try rows(
            of: path, parse: parse,
            behind: "result: { from: records, summarize: { window: 1d, metrics: { n: count() } } }")
        let all = try rows(
            of: path, parse: parse,
            behind: """
                result: { from: records, summarize: { metrics: { accounts: "uniques(account, precision: precise)", \
                revenue: sum(price), first: min(at) } } }
                """)
        return (days, try #require(all.first))
    }

    private static func sensors(_ path: String) throws -> [Row] {
        try rows(
            of: path,
            parse: """
                { each: readings, event_time: t, fields: { device: { path: ^.device.id, type: text }, t: timestamp(ms), \
                v: double } }
                """,
            behind:
                "result: { from: records, summarize: { by: [device], metrics: { readings: count(), max: max(v) } } }")
    }

    // MARK: Samples of our own

    @Test func anAccessLog() async throws {
        try await onOwnThread {
            let (folder, path) = try Self.sample(
                #"{"time_local":"29/Mar/2026:01:59:59 +0100","remote_addr":"192.0.2.1","request_uri":"/","status":"200","body_bytes_sent":"7602","request_time":"0.301","upstream_response_time":"-"}"#,
                #"{"time_local":"29/Mar/2026:03:00:00 +0200","remote_addr":"192.0.2.1","request_uri":"/search?q=caf\u00e9","status":"404","body_bytes_sent":"0","request_time":"12.000","upstream_response_time":"0.244, 0.574"}"#,
                #"{"time_local":"29/Mar/2026:03:00:07 +0200","remote_addr":"192.0.2.2","request_uri":"/x","status":200,"body_bytes_sent":13,"request_time":0.5,"upstream_response_time":"0.976"}"#
            )
            let row = try Self.nginx(path)
            withExtendedLifetime(folder) {}
            #expect(row["requests"] == "3" && row["bytes"] == "7615" && row["seconds"] == "12.801", "\(row)")
            #expect(row["first"]?.contains("2026-03-29T00:59:59") == true, "\(row)")
            #expect(row["last"]?.contains("2026-03-29T01:00:07") == true, "\(row)")
        }
    }

    @Test func eventsInArrays() async throws {
        try await onOwnThread {
            let (folder, path) = try Self.sample(
                #"{"Records":[{"eventTime":"2026-03-29T00:30:00Z","eventName":"A","additionalEventData":{"MFAUsed":"Yes"}},{"eventTime":"2026-03-29T00:30:01Z","eventName":"B","errorCode":"Denied"}]}"#,
                #"{"Records":[]}"#,
                #"{"Records":[{"eventTime":"2026-03-29T00:30:02Z","eventName":"B","errorCode":"Denied","additionalEventData":{"MFAUsed":"false"}}]}"#
            )
            let found = try Self.cloudtrail(path)
            withExtendedLifetime(folder) {}
            #expect(Self.by("name", "n", in: found.names) == ["B": "2"])
            #expect(found.mfa.compactMap { $0["n"] }.sorted() == ["1", "1", "1"], "\(found.mfa)")
        }
    }

    @Test func webEventsWithoutAZone() async throws {
        try await onOwnThread {
            let (folder, path) = try Self.sample(
                #"{"collector_tstamp":"2026-03-29 00:30:00.000","event_name":"page_view","domain_userid":"a","page_urlpath":"/docs","contexts_ua_parser_1":[{"osFamily":"Linux"}],"se_value":"12.50"}"#,
                #"{"collector_tstamp":"2026-03-29 02:30:00.901","event_name":"page_ping","domain_userid":"b","page_urlpath":"/docs","se_value":null}"#
            )
            let found = try Self.snowplow(path)
            withExtendedLifetime(folder) {}
            #expect(Self.by("page", "n", in: found.pages) == ["/docs": "2"])
            #expect(
                found.all["users"] == "2" && found.all["value"] == "12.50" || found.all["value"] == "12.5",
                "\(found.all)")
            #expect(found.all["first"]?.contains("2026-03-29T00:30:00") == true, "\(found.all)")
        }
    }

    @Test func localTimesWithTheOffsetBeside() async throws {
        try await onOwnThread {
            let (folder, path) = try Self.sample(
                ##"{"#time":"2026-03-29 08:30:00","#zone_offset":8,"#account_id":35,"properties":{"level":33,"price":"9.99"}}"##,
                ##"{"#time":"2026-03-28 19:29:00","#zone_offset":-5,"#account_id":"35","properties":{"level":13}}"##,
                ##"{"#time":"2026-03-29 00:45:00","#zone_offset":0,"#account_id":"u","properties":{"price":"0.01"}}"##
            )
            let found = try Self.telemetry(path)
            withExtendedLifetime(folder) {}
            #expect(found.all["accounts"] == "2" && found.all["revenue"].map(Double.init) == 10.0, "\(found.all)")
            #expect(found.all["first"]?.contains("2026-03-29T00:29:00") == true, "\(found.all)")
            #expect(found.days.compactMap { $0["n"] }.sorted() == ["1", "2"], "\(found.days)")
        }
    }

    @Test func readingsOfDevices() async throws {
        try await onOwnThread {
            let (folder, path) = try Self.sample(
                #"{"device":{"id":"d0","fw":"1.2"},"readings":[{"t":1774744200000,"v":11.15},{"t":1774744200200,"v":23.47}]}"#,
                #"{"device":{"id":"d1","fw":"1.2"},"readings":[]}"#,
                #"{"readings":[{"t":1774744200000,"v":-1}],"device":{"id":"d0"}}"#
            )
            let rows = try Self.sensors(path)
            withExtendedLifetime(folder) {}
            #expect(
                Self.by("device", "readings", in: rows) == ["d0": "3"]
                    && Self.by("device", "max", in: rows) == ["d0": "23.47"])
        }
    }

    // MARK: The shared samples

    private static let shared = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "../../../../shared/data/logs"
    ).standardizedFileURL

    /// Whether they are here; says loudly when they are not.
    private static let hasShared: Bool = {
        if FileManager.default.fileExists(atPath: shared.appendingPathComponent("truth.json").path) { return true }
        skipped("no shared samples of logs in \(shared.path)")
        return false
    }()

    private static func truth(_ shape: String) throws -> [String: Any] {
        let data = try Data(contentsOf: shared.appendingPathComponent("truth.json"))
        let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        return try #require(all[shape] as? [String: Any])
    }

    private static func counts(_ value: Any?) throws -> [String: String] {
        try #require(value as? [String: Any]).mapValues { "\($0)" }
    }

    private static func path(_ shape: String) -> String { shared.appendingPathComponent("\(shape).ndjson").path }

    @Test(.enabled(if: hasShared)) func theSharedAccessLog() async throws {
        try await onOwnThread {
            let (row, truth) = (try Self.nginx(Self.path("nginx")), try Self.truth("nginx"))
            #expect(row["bytes"] == "\(truth["bytes"] ?? "")" && row["requests"] == "300", "\(row)")
            let expected = try #require(truth["by endpoint"] as? [String: Any]).mapValues { try Self.counts($0) }
            #expect(try Self.endpoints(Self.path("nginx")) == expected)
        }
    }

    @Test(.enabled(if: hasShared)) func theSharedCloudTrail() async throws {
        try await onOwnThread {
            let (found, truth) = (try Self.cloudtrail(Self.path("cloudtrail")), try Self.truth("cloudtrail"))
            #expect(try Self.by("name", "n", in: found.names) == Self.counts(truth["failed by name"]))
            let mfa = Self.by("mfa", "n", in: found.mfa)
            #expect(mfa["1"] ?? mfa["true"] == "\(truth["with MFA"] ?? "")", "\(mfa)")
            let records = found.mfa.compactMap { $0["n"].flatMap(Int.init) }.reduce(0, +)
            #expect("\(records)" == "\(truth["records"] ?? "")")
        }
    }

    @Test(.enabled(if: hasShared)) func theSharedWebEvents() async throws {
        try await onOwnThread {
            let (found, truth) = (try Self.snowplow(Self.path("snowplow")), try Self.truth("snowplow"))
            #expect(try Self.by("page", "n", in: found.pages) == Self.counts(truth["by page"]))
            #expect(found.all["users"] == "\(truth["users"] ?? "")", "\(found.all)")
        }
    }

    @Test(.enabled(if: hasShared)) func theSharedTelemetry() async throws {
        try await onOwnThread {
            let (found, truth) = (try Self.telemetry(Self.path("telemetry")), try Self.truth("telemetry"))
            #expect(
                found.all["accounts"] == "\(truth["accounts"] ?? "")"
                    && found.all["revenue"] == "\(truth["revenue"] ?? "")")
            let days = Dictionary(
                uniqueKeysWithValues: found.days.map { (String(($0["window_start"] ?? "").prefix(10)), $0["n"] ?? "") })
            #expect(try days == Self.counts(truth["by local day"]))
        }
    }

    @Test(.enabled(if: hasShared)) func theSharedSensors() async throws {
        try await onOwnThread {
            let (rows, truth) = (try Self.sensors(Self.path("sensors")), try Self.truth("sensors"))
            let found = Dictionary(
                uniqueKeysWithValues: rows.map { ($0["device"] ?? "", [$0["readings"] ?? "", $0["max"] ?? ""]) })
            let expected = try truth.mapValues { value in
                let figures = try Self.counts(value)
                return [figures["readings"] ?? "", figures["max"] ?? ""]
            }
            #expect(found == expected)
        }
    }
}
