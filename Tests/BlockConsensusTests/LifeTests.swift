import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Creation and drop on what the caller saw (protocol: create-on-what-was-seen,
/// drop-names-the-life).
@Suite("Lives of a collection")
struct LifeTests {
    private static let name = "events"

    private func create(_ number: UInt64, after generation: UInt64) -> TailChange {
        .create(
            CreateCollection(
                name: Self.name, header: CollectionHeader(kind: .diary, encoding: .bytes),
                creation: Sample.creation(number, after: generation),
                nonce: Sample.identifier(100 + number)))
    }

    private func drop(_ number: UInt64, _ incarnation: Incarnation) -> TailChange {
        .drop(
            DropCollection(
                collection: CollectionID(name: Self.name), incarnation: incarnation,
                action: Sample.action(number)))
    }

    /// The value after a change that lands.
    private func landed(_ change: TailChange, on value: TailValue) throws -> TailValue {
        let decision = change.apply(to: value, isChosen: true, policy: TailPolicy())
        guard case .replace(let new, .tail(let told)) = decision, new == told else {
            throw DatabaseError(.internalError, "\(decision)")
        }
        return new
    }

    private func leaves(_ change: TailChange, _ value: TailValue) -> Bool {
        change.apply(to: value, isChosen: true, policy: TailPolicy()) == .keep(.tail(value))
    }

    /// A register after so many lives, each created by 1, 2, … and dropped by 11, 12, …
    private func register(lives: UInt64, isLive: Bool) throws -> TailValue {
        var value = TailValue.absent(generation: 0)
        for number in 1...lives {
            value = try landed(create(number, after: number - 1), on: value)
            if number == lives, isLive { break }
            let life = try #require(value.live?.incarnation)
            value = try landed(drop(10 + number, life), on: value)
        }
        return value
    }

    @Test("A creation makes the life after the one it names, and no other")
    func createsNext() throws {
        for generation in 0...4 as ClosedRange<UInt64> {
            let value: TailValue =
                generation == 0
                ? .absent(generation: 0) : try register(lives: generation, isLive: false)
            for named in 0...5 as ClosedRange<UInt64> where named != generation {
                #expect(leaves(create(77, after: named), value), "\(named) at \(generation)")
            }
            let tail = try #require(landed(create(77, after: generation), on: value).live)
            #expect(tail.incarnation.generation == generation + 1)
            #expect(tail.createdBy == Sample.action(77))
        }
    }

    @Test("A drop ends the life it names, and no other, and both ids stay with what is left of it")
    func dropsNamed() throws {
        let first = try #require(register(lives: 1, isLive: true).live)
        let second = try register(lives: 2, isLive: true)
        #expect(leaves(drop(9, first.incarnation), second))
        let life = try #require(second.live?.incarnation)
        let over = try landed(drop(9, life), on: second)
        #expect(
            over
                == .dropped(
                    EndedLife(
                        incarnation: life, createdBy: Sample.action(2),
                        droppedBy: Sample.action(9))))
        #expect(leaves(drop(9, life), over) && leaves(drop(8, life), over))
    }

    @Test("What became of a creation: done, superseded by the next life's, or unknown after that")
    func fateOfCreation() throws {
        let mine = Sample.creation(2, after: 1)
        let other = Sample.creation(9, after: 1)
        let secondLife = try register(lives: 2, isLive: true)
        let incarnation = try #require(secondLife.live?.incarnation)
        for value in [secondLife, try register(lives: 2, isLive: false)] {
            #expect(mine.fate(in: value) == .done(incarnation))
            #expect(other.fate(in: value) == .superseded)
        }
        for isLive in [true, false] {
            let third = try register(lives: 3, isLive: isLive)
            #expect(mine.fate(in: third) == .unknown, "its id is not kept any more")
            #expect(other.fate(in: third) == .unknown, "nor is what made the life it names")
        }
        #expect(mine.fate(in: try register(lives: 1, isLive: false)) == .open)
        #expect(mine.fate(in: try register(lives: 1, isLive: true)) == .unknown)
        #expect(mine.fate(in: .absent(generation: 0)) == .unknown)
    }

    @Test("What became of a drop: done, superseded while its life's ids are kept, else unknown")
    func fateOfDrop() throws {
        let live = try #require(register(lives: 2, isLive: true).live)
        func fate(_ number: UInt64, _ value: TailValue) -> LifeFate {
            DropCollection(
                collection: live.collection, incarnation: live.incarnation,
                action: Sample.action(number)
            ).fate(in: value)
        }
        #expect(fate(12, .live(live)) == .open)
        let over = try register(lives: 2, isLive: false)
        #expect(fate(12, over) == .done(live.incarnation))
        #expect(fate(5, over) == .superseded)
        for isLive in [true, false] {
            let later = try register(lives: 3, isLive: isLive)
            #expect(fate(12, later) == .unknown && fate(5, later) == .unknown)
        }
    }
}
