import BlockModel
import BlockRuntime

/// What a source calls an action of a member.
struct MemberToken {
    let place: Int
    let number: Int

    init(_ place: Int, _ number: Int) {
        self.place = place
        self.number = number
    }

    init(_ value: CollectionWriter.Token) {
        place = Int(value >> 32)
        number = Int(value & 0xFFFF_FFFF)
    }

    var value: CollectionWriter.Token { UInt64(place) << 32 | UInt64(number) }
}
