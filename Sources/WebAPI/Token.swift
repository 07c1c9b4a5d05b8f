/// A secret text that whoever asks has to know.
package struct Token: Sendable {
    private let bytes: [UInt8]

    /// - Parameter text: at least `WebLimits.tokenCharactersMin` characters.
    package init(_ text: String) {
        precondition(text.utf8.count >= WebLimits.tokenCharactersMin, "a short token can be guessed")
        bytes = Array(text.utf8)
    }

    /// A new one: 256 random bits in hexadecimal digits.
    package static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Whether this is it. How long that takes says nothing about how much of it is right.
    package func matches(_ text: String) -> Bool {
        var difference = text.utf8.count ^ bytes.count
        for (index, byte) in text.utf8.enumerated() {
            difference |= Int(byte ^ bytes[index % bytes.count])
        }
        return difference == 0
    }
}

/// A file that holds a token.
package struct TokenFile: Sendable {
    /// Why a file gives no token.
    package struct Failure: Error, CustomStringConvertible, Sendable {
        package let description: String
    }

    /// Its path.
    package let path: String
    /// What it holds.
    package let text: String
    /// Whether others than its owner may read it.
    package let isOpen: Bool

    /// Reads a token, and makes the file with a new one when it is missing; folders in front of it too.
    /// - Throws: `Failure`.
    package init(_ path: String) throws(Failure) {
        self.path = path
        do {
            if !SecretFile.exists(path) { try SecretFile.create(path, Token.random() + "\n") }
            let (content, mode) = try SecretFile.read(path)
            text = String(content.drop(while: \.isWhitespace).prefix { !$0.isWhitespace })
            isOpen = mode & 0o077 != 0
        } catch {
            throw Failure(description: "token file \(path): \(error)")
        }
        guard text.utf8.count >= WebLimits.tokenCharactersMin else {
            throw Failure(
                description: "token file \(path): found \(text.utf8.count) characters, expected at least "
                    + "\(WebLimits.tokenCharactersMin); remove it to have one made")
        }
    }
}
