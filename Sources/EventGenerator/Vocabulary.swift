/// The texts that events are made of; what is written into JSON is written here as JSON, escapes included.
struct Vocabulary: Sendable {
    /// Roughly where the players of a popular game live.
    let countries = WeightedTexts([
        "US": 1900, "BR": 800, "IN": 760, "DE": 620, "GB": 560, "JP": 540, "FR": 470, "MX": 420, "ID": 400, "RU": 380,
        "TR": 330, "KR": 310, "IT": 300, "ES": 290, "CA": 270, "PH": 240, "PL": 220, "VN": 200, "TH": 190, "AU": 170,
        "NL": 150, "AR": 140, "SE": 110, "CO": 105, "UA": 100, "EG": 90, "SA": 85, "CL": 80, "RO": 75, "ZA": 70,
        "BE": 65, "CZ": 60, "PT": 55, "AT": 52, "CH": 50, "NO": 45, "DK": 42, "FI": 40, "GR": 36, "HU": 34,
        "IL": 30, "NZ": 26, "IE": 24, "SG": 20, "HR": 14, "LT": 10, "EE": 6, "IS": 3, "MT": 2, "LI": 1,
    ])

    let platforms = WeightedTexts(["android": 44, "ios": 30, "windows": 14, "playstation": 7, "switch": 4, "linux": 1])

    let versions = WeightedTexts([
        "5.2.0": 520, "5.1.3": 240, "5.1.2": 90, "5.0.10": 60, "4.12.1": 40, "4.11.0": 25, "4.9.7": 12, "5.3.0-beta": 9,
        "3.44.2": 3, "2.0.0": 1,
    ])

    /// Display names as they are inside a JSON string. Most are plain; the rest holds what parsers stumble over:
    /// several scripts, characters outside the basic plane, quotes, backslashes and every kind of escape.
    let names = WeightedTexts([
        "nova": 90, "raptor": 90, "mikey": 90, "shadowfox": 90, "luna": 90, "pixelpete": 90, "hexa": 90, "tinker": 90,
        "quietstorm": 90, "bolt": 90, "zo\u{eb}": 12, "s\u{f8}ren": 12, "jos\u{e9}": 12, "\u{11f}\u{fc}n\u{15f}": 8,
        "\u{43c}\u{430}\u{440}\u{438}\u{44f}": 10, "\u{674e}\u{96f7}": 10, "\u{3086}\u{304d}": 10,
        "\u{c11c}\u{c5f0}": 8, "\u{639}\u{645}\u{631}": 8, "\u{1f98a}fox": 6, #"caf\u00e9"#: 6, #"\ud83d\ude80fly"#: 5,
        #"\"ace\" mc"#: 6, #"back\\slash"#: 4, #"tab\tnewline\n"#: 3, #"a\/b"#: 3, #"\b\f\r\u001f"#: 1,
    ])

    let weapons = WeightedTexts([
        "plasma_rifle": 30, "longbow": 22, "war_hammer": 18, "twin_daggers": 15, "frost_staff": 9, "railgun": 4,
        "tr\u{e9}buchet": 2,
    ])

    let maps = WeightedTexts([
        "frozen_canyon": 30, "old_harbor": 25, "sky_temple": 20, "ember_fields": 14, "d\u{fc}sterwald": 7, "arena_7": 4,
    ])

    let modes = WeightedTexts(["ranked": 45, "casual": 35, "coop": 12, "tournament": 6, "practice": 2])

    let itemKinds = WeightedTexts([
        "skin-": 30, "gem-": 22, "weapon-": 14, "potion-": 12, "mount-": 8, "emote-": 6, "armor-": 5, "ticket-": 3,
    ])

    let currencies = WeightedTexts(["USD": 60, "EUR": 25, "BRL": 9, "JPY": 6])

    /// What players type, as it is inside a JSON string.
    let phrases = WeightedTexts([
        "gg": 40, "need healing at the bridge": 16, "one more round?": 14,
        "well played everyone, same time tomorrow": 10,
        #"he said \"never again\" and queued up"#: 6, "d\u{e9}j\u{e0} vu": 5, "\u{1f602}\u{1f602}\u{1f602}": 5,
        #"C:\\games\\saves\\slot1"#: 2, #"line one\nline two\tend"#: 2,
    ])

    /// Hundredths; most purchases are small.
    let prices: [UInt64] = [99, 199, 299, 499, 999, 1499, 1999, 4999, 9999]
    let priceRanks = AliasTable(weights: [400, 220, 90, 140, 70, 25, 30, 10, 3])
}
