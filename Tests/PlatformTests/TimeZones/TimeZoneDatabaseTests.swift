import Foundation
import Platform
import Testing

@Suite struct TimeZoneDatabaseTests {
    private static func failure(_ name: String, _ database: TimeZoneDatabase = .system) -> TimeZoneDatabase.Failure? {
        do throws(TimeZoneDatabase.Failure) {
            _ = try database.rules(named: name)
            return nil
        } catch { return error }
    }

    @Test func namesAreFoundInAnyCase() throws {
        let zone = try TimeZoneDatabase.system.rules(named: "Europe/Berlin")
        #expect(zone.name == "Europe/Berlin")
        #expect(try TimeZoneDatabase.system.rules(named: "europe/BERLIN") === zone)
        #expect(try TimeZoneDatabase.system.rules(named: "Europe/Berlin") === zone)
        #expect(try TimeZoneDatabase.system.rules(named: "utc").offset(at: 0) == 0)
        #expect(try TimeZoneDatabase.system.rules(named: "etc/gmt+5").offset(at: 0) == -18_000)
    }

    @Test func theNameMeantIsSuggested() {
        #expect(
            Self.failure("Europe/Berlln").map(String.init(describing:))
                == "no time zone is called Europe/Berlln; did you mean 'Europe/Berlin'?")
        #expect(Self.failure("Nowhere at all") == .unknown("Nowhere at all", suggestion: nil))
    }

    @Test(arguments: [
        "", "..", "../zoneinfo/UTC", "/usr/share/zoneinfo/UTC", "Europe", "Europe/", "right/UTC", "zone.tab",
    ])
    func whatIsNoZone(name: String) {
        guard case .unknown? = Self.failure(name) else {
            Issue.record("\(name): \(String(describing: Self.failure(name)))")
            return
        }
    }

    @Test func everyZoneOfThisMachineCanBeRead() throws {
        let names = TimeZoneDatabase.system.names
        #expect(names.count > 300 && names.contains("Asia/Kathmandu") && !names.contains { $0.hasPrefix("right/") })
        for name in names { #expect(Self.failure(name) == nil, "\(name)") }
    }

    @Test func withoutADatabaseItSaysWhatToInstall() {
        let failure = Self.failure("UTC", TimeZoneDatabase(folders: ["/nowhere/zones"]))
        #expect(
            failure.map(String.init(describing:))
                == "no time zone database in /nowhere/zones; install the package tzdata")
    }

    @Test func aFileThatIsNoZoneIsSaidToBe() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "zones-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("hello".utf8).write(to: folder.appending(path: "Broken"))
        #expect(
            Self.failure("Broken", TimeZoneDatabase(folders: [folder.path]))
                == .unusable("Broken", why: "it does not begin as one"))
    }
}
