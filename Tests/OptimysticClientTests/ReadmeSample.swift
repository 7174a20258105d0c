import Optimystic

struct Event: Codable, Sendable {
    let name: String
    let amount: Int
}

func sample(url: String) async throws -> [String] {
    let database = try await Database.connect(url)
    defer { database.close() }

    // Opens the diary, and creates it when there is none.
    let events = try await database.diary("events", of: Event.self)

    // When this returns, the entry is on the disks of a majority of the replicas, once.
    try await events.append(Event(name: "deposit", amount: 10))

    // An id of our own: a retry lands once, also after a restart of this program.
    let id = database.makeActionID()
    let firstRevision = events.revision
    let withdrawal = Event(name: "withdrawal", amount: 3)
    do {
        try await events.append(withdrawal, id: id, firstRevision: firstRevision)
    } catch let error as DatabaseError where error.outcome == .unknown {
        try await events.append(withdrawal, id: id, firstRevision: firstRevision)
    }

    // As of one revision: what is appended meanwhile does not show.
    var names: [String] = []
    for try await entry in events.entries(from: .start, direction: .backward) {
        names.append("\(entry.position) \(entry.value.name)")
    }
    return names
}
