/// The bounds of the listener, each with its unit.
package enum WebLimits {
    /// Connections at once. Another one takes the place of the one that has been silent for longest.
    package static let connections = 256
    /// From the first look at a connection to the end of its request, and for taking the answer: whoever is slower is
    /// cut off, whatever trickles in.
    static let patience = Duration.seconds(10)
    /// From a whole request to its answer.
    package static let answer = Duration.seconds(5)
    /// After an answer, for what a client still sends: closing at once would take the answer from it.
    static let farewell = Duration.seconds(1)
    /// At the end of the process, for answers that are on their way.
    static let parting = Duration.seconds(2)
    /// Before another connection is accepted when the system had no room for one.
    static let pause = Duration.milliseconds(100)
    /// Connections taken up in a row, before those that are there get their turn.
    static let acceptsInARow = 64
    /// Between two looks at the files of the certificate.
    static let certificateLook = Duration.seconds(5)
    /// Before a certificate ends: from then on it is warned of, once a day.
    static let certificateWarning = Duration.seconds(14 * 86_400)
    /// Between two lines about handshakes that have failed.
    static let complaints = Duration.seconds(60)
    /// Bytes of a request's first line and headers.
    package static let headBytes = 16 << 10
    /// Headers of a request.
    package static let headers = 100
    /// Bytes of a request's body.
    package static let bodyBytes = 64 << 10
    /// Lines of a log in one answer.
    package static let logLines = 1_000
    /// Records a second that a tap shows, unless somebody wants others.
    package static let tapRate = 10
    /// At most: it is for people.
    package static let tapRateMax = 100
    /// Characters of a token; a shorter one can be guessed.
    package static let tokenCharactersMin = 32
}
