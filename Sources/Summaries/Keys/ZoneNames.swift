import Platform

/// The time zones that the texts of a key column name; each is looked up once.
final class ZoneNames {
    /// The texts.
    let names: KeyColumn
    /// By id: the rules, nil for what is no zone's name.
    private var rules: [TimeZoneRules?] = [nil]

    init(_ names: KeyColumn) { self.names = names }

    /// The zone that the text behind an id names; nil when there is none of that name, and for no text.
    func rules(of id: UInt32) -> TimeZoneRules? {
        while rules.count <= Int(id) {
            let name = unsafe String(decoding: names.text(UInt32(rules.count)), as: UTF8.self)
            rules.append(TimeZoneDatabase.system.find(name))
        }
        return rules[Int(id)]
    }
}
