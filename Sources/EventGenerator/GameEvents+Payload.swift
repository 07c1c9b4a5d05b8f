extension GameEvents {
    /// Appends `,"payload":{...}`: what only some kinds of events carry, nested, with numbers, arrays and free text.
    @inline(__always)
    func appendPayload(
        _ payload: EventKind.Payload, _ player: Player, _ random: inout EventRandom, _ buffer: inout EventBuffer
    ) {
        buffer.append(#","payload":{"name":""#)
        buffer.append(player.name)
        buffer.append(decimal: player.nameNumber)
        switch payload {
        case .combat: appendCombat(player, &random, &buffer)
        case .progress: appendProgress(player, &random, &buffer)
        case .store: appendStore(player, &random, &buffer)
        case .session: appendDevice(player, &random, &buffer)
        case .chat: appendChat(player, &random, &buffer)
        }
        buffer.append("}")
    }

    @inline(__always)
    private func appendCombat(_ player: Player, _ random: inout EventRandom, _ buffer: inout EventBuffer) {
        let bits = random.next()
        buffer.append(#"","weapon":""#)
        buffer.append(vocabulary.weapons.pick(random.next()))
        buffer.append(#"","map":""#)
        buffer.append(vocabulary.maps.pick(random.next()))
        buffer.append(#"","mode":""#)
        buffer.append(vocabulary.modes.pick(random.next()))
        buffer.append(#"","score":"#)
        buffer.append(decimal: bits & 0x7fff)
        buffer.append(#","position":["#)
        appendCoordinate(bits >> 16, &buffer)
        buffer.append(",")
        appendCoordinate(bits >> 32, &buffer)
        buffer.append(#"],"critical":"#)
        buffer.append(bits >> 63 == 0 ? "false" : "true")
    }

    @inline(__always)
    private func appendProgress(_ player: Player, _ random: inout EventRandom, _ buffer: inout EventBuffer) {
        let bits = random.next()
        buffer.append(#"","map":""#)
        buffer.append(vocabulary.maps.pick(random.next()))
        buffer.append(#"","attempt":"#)
        buffer.append(decimal: 1 &+ (bits & 15))
        buffer.append(#","stars":"#)
        buffer.append(decimal: (bits >> 4) & 3)
        buffer.append(#","score":"#)
        buffer.append(decimal: (bits >> 8) & 0xffff)
        buffer.append(#","quest":null,"goals":{"gold":"#)
        buffer.append(decimal: (bits >> 24) & 0x3ff)
        buffer.append(#","kills":"#)
        buffer.append(decimal: (bits >> 34) & 0x3f)
        buffer.append("}")
    }

    @inline(__always)
    private func appendStore(_ player: Player, _ random: inout EventRandom, _ buffer: inout EventBuffer) {
        let bits = random.next()
        buffer.append(#"","shelf":"#)
        buffer.append(decimal: bits & 15)
        buffer.append(#","offer":"winter-"#)
        buffer.append(hex: UInt32(truncatingIfNeeded: (bits >> 8) & 0xff))
        buffer.append(#"","basket":["#)
        buffer.append(decimal: (bits >> 16) & 0xffff)
        buffer.append(",")
        buffer.append(decimal: (bits >> 32) & 0xffff)
        buffer.append(#"],"balance":{"gems":"#)
        buffer.append(decimal: (bits >> 48) & 0xfff)
        buffer.append(#","coins":"#)
        buffer.append(decimal: (bits >> 20) & 0xf_ffff)
        buffer.append("}")
    }

    @inline(__always)
    private func appendDevice(_ player: Player, _ random: inout EventRandom, _ buffer: inout EventBuffer) {
        let bits = random.next()
        buffer.append(#"","device":{"memory_mb":"#)
        buffer.append(decimal: 1024 &<< (bits & 3))
        buffer.append(#","battery":"#)
        buffer.append(hundredths: ((bits >> 2) & 127) &* 100 / 128)
        buffer.append(#","tablet":"#)
        buffer.append(bits >> 60 == 0 ? "true" : "false")
        buffer.append(#","locale":"en_US","timezone":"UTC"},"network":"wifi","friends_online":"#)
        buffer.append(decimal: (bits >> 12) & 31)
    }

    @inline(__always)
    private func appendChat(_ player: Player, _ random: inout EventRandom, _ buffer: inout EventBuffer) {
        buffer.append(#"","channel":"team","text":""#)
        buffer.append(vocabulary.phrases.pick(random.next()))
        buffer.append(#"","recipients":"#)
        buffer.append(decimal: 1 &+ (random.next() & 7))
        buffer.append(#","filtered":false"#)
    }

    /// A signed number with one decimal, -409.6 to 409.5.
    @inline(__always)
    private func appendCoordinate(_ bits: UInt64, _ buffer: inout EventBuffer) {
        if bits & 0x8000 != 0 { buffer.append("-") }
        let tenths = bits & 0xfff
        buffer.append(decimal: tenths / 10)
        buffer.append(".")
        buffer.append(decimal: tenths % 10)
    }
}
