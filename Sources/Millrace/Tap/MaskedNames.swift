/// Which fields are masked unless somebody says otherwise: those whose names say that they tell who somebody is, or hold
/// a secret.
enum MaskedNames {
    /// Words of names, in small letters.
    private static let words: Set<String> = [
        "user", "users", "userid", "username", "uid", "login", "account", "customer", "person", "player", "visitor",
        "firstname", "lastname", "surname", "fullname", "email", "mail", "phone", "mobile", "tel", "address", "addr",
        "street", "ip", "ipv4", "ipv6", "mac", "imei", "idfa", "gaid", "device", "birthday", "birthdate", "ssn", "iban",
        "card", "password", "passwd", "secret", "token", "session", "cookie", "auth", "authorization", "credential",
        "credentials", "apikey", "key", "signature",
    ]

    /// Of these fields, those that are masked.
    static func among(_ names: [String], mask: Set<String>, show: Set<String>) -> Set<String> {
        Set(names.filter { !show.contains($0) && (mask.contains($0) || isTelling($0)) })
    }

    /// Whether a name has such a word: `client_ip`, `userId`, `geo.address`.
    static func isTelling(_ name: String) -> Bool {
        var parts: [String] = [""]
        var previous: Character = " "
        for character in name {
            if !character.isLetter, !character.isNumber {
                parts.append("")
            } else {
                if character.isUppercase, previous.isLowercase { parts.append("") }
                parts[parts.count - 1].append(contentsOf: character.lowercased())
            }
            previous = character
        }
        return parts.contains { words.contains($0) }
    }
}
