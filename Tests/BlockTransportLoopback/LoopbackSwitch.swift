import BlockRuntime
import BlockTransport

/// Who is connected to whom in a ``LoopbackNetwork``, and what waits where. Knows no threads.
struct LoopbackSwitch {
    typealias Frames = [Bytes]

    /// What a station reads.
    enum Arrival {
        case frames(Frames)
        case broken
    }

    /// One end of a link: a station and the number of its link.
    private struct Plug: Hashable {
        let station: Int
        let link: Int
    }

    private struct Link {
        let address: String
        /// The listening station and the name this link has there; nil while nobody listens.
        var peer: (station: Int, route: Route)?
        /// What waits for somebody to listen.
        var held: [Frames] = []
        var heldBytes = 0
    }

    private struct Station {
        let address: String?
        var inbox = FairQueue<Endpoint, Arrival>()
        /// Bytes in it, by where they come from.
        var inboxBytes: [Endpoint: Int] = [:]
        var links: [Int: Link] = [:]
        var routes: [Route: Plug] = [:]
        var isWoken = false

        mutating func count(_ bytes: Int, from source: Endpoint) {
            let now = (inboxBytes[source] ?? 0) + bytes
            inboxBytes[source] = now == 0 ? nil : now
        }
    }

    private var stations: [Int: Station] = [:]
    private var listeners: [String: Int] = [:]
    /// Every link to an address, listening or not, in the order they were made.
    private var plugs: [String: [Plug]] = [:]
    private var nextStation = 1
    private var nextRoute: UInt64 = 1

    /// Two queues lie between the processes of a network, so a connected link holds as much here.
    private static var connectedCountMax: Int {
        Limits.sendQueueCountMax + Limits.receiveQueueCountMax
    }

    /// Adds a transport; links that waited for `address` are connected to it.
    /// - Throws: `.addressInUse`.
    mutating func open(at address: String?) throws(DatabaseError) -> Int {
        if let address, listeners[address] != nil {
            throw DatabaseError(
                .addressInUse, "cannot listen at \"\(address)\": another transport does")
        }
        let number = nextStation
        nextStation += 1
        stations[number] = Station(address: address)
        if let address {
            listeners[address] = number
            for plug in plugs[address] ?? [] { attach(plug, to: number) }
        }
        return number
    }

    /// Removes a transport: its clients' links wait for a successor, its own links end.
    /// - Returns: The stations of those clients, which have that to read.
    mutating func close(_ number: Int) -> [Int] {
        guard let station = stations[number] else { return [] }
        for link in station.links.keys.sorted() { disconnect(number, link: link) }
        if let address = station.address { listeners[address] = nil }
        for plug in station.routes.values {
            stations[plug.station]?.links[plug.link]?.peer = nil
            stations[plug.station]?.inbox.append(.broken, from: .link(plug.link))
        }
        stations[number] = nil
        return station.routes.values.map(\.station).filter { stations[$0] != nil }
    }

    mutating func connect(_ number: Int, link: Int, to address: String) {
        let plug = Plug(station: number, link: link)
        stations[number]?.links[link] = Link(address: address)
        plugs[address, default: []].append(plug)
        if let listener = listeners[address] { attach(plug, to: listener) }
    }

    mutating func disconnect(_ number: Int, link: Int) {
        guard let ended = stations[number]?.links.removeValue(forKey: link) else { return }
        plugs[ended.address]?.removeAll { $0 == Plug(station: number, link: link) }
        if plugs[ended.address]?.isEmpty == true { plugs[ended.address] = nil }
        if let peer = ended.peer { stations[peer.station]?.routes[peer.route] = nil }
    }

    /// - Returns: What became of the frames, and the station that has something to read now.
    mutating func send(
        _ frames: Frames, from number: Int, to endpoint: Endpoint
    ) -> (result: SendResult, receiver: Int?) {
        switch endpoint {
        case .route(let route):
            guard let plug = stations[number]?.routes[route] else { return (.unroutable, nil) }
            return deliver(frames, to: plug.station, from: .link(plug.link))
        case .link(let link):
            guard let state = stations[number]?.links[link] else { return (.unroutable, nil) }
            if let peer = state.peer {
                return deliver(frames, to: peer.station, from: .route(peer.route))
            }
            let byteCount = Self.byteCount(frames)
            guard state.held.count < Limits.sendQueueCountMax,
                Self.fits(byteCount, beside: state.heldBytes)
            else { return (.backlogged, nil) }
            stations[number]?.links[link]?.held.append(frames)
            stations[number]?.links[link]?.heldBytes += byteCount
            return (.queued, nil)
        }
    }

    /// Bytes that were sent and that nobody has read yet.
    func backlogBytes(from number: Int, to endpoint: Endpoint) -> Int {
        switch endpoint {
        case .route(let route):
            guard let plug = stations[number]?.routes[route] else { return 0 }
            return stations[plug.station]?.inboxBytes[.link(plug.link)] ?? 0
        case .link(let link):
            guard let state = stations[number]?.links[link] else { return 0 }
            guard let peer = state.peer else { return state.heldBytes }
            return stations[peer.station]?.inboxBytes[.route(peer.route)] ?? 0
        }
    }

    private static func byteCount(_ frames: Frames) -> Int { frames.reduce(0) { $0 + $1.count } }

    /// One message is always let through.
    private static func fits(_ byteCount: Int, beside waiting: Int) -> Bool {
        waiting == 0 || waiting + byteCount <= Limits.sendQueueBytesMax
    }

    mutating func wake(_ number: Int) { stations[number]?.isWoken = true }

    /// Whether a wait of the station should end.
    func isReady(_ number: Int) -> Bool {
        guard let station = stations[number] else { return true }
        return station.isWoken || !station.inbox.isEmpty
    }

    /// Takes what is there, within the bounds of one call, and forgets the wake-up.
    mutating func take(_ number: Int) -> [(from: Endpoint, arrival: Arrival)] {
        stations[number]?.isWoken = false
        var taken: [(from: Endpoint, arrival: Arrival)] = []
        var byteCount = 0
        while taken.count < Limits.receiveMessageCountMax, byteCount < Limits.receiveBytesMax,
            let (source, arrival) = stations[number]?.inbox.popFirst()
        {
            if case .frames(let frames) = arrival {
                let taken = Self.byteCount(frames)
                byteCount += taken
                stations[number]?.count(-taken, from: source)
            }
            taken.append((source, arrival))
        }
        return taken
    }

    private mutating func deliver(
        _ frames: Frames, to number: Int, from source: Endpoint
    ) -> (result: SendResult, receiver: Int?) {
        guard let waiting = stations[number]?.inbox.count(from: source) else {
            return (.unroutable, nil)
        }
        let byteCount = Self.byteCount(frames)
        guard waiting < Self.connectedCountMax,
            Self.fits(byteCount, beside: stations[number]?.inboxBytes[source] ?? 0)
        else { return (.backlogged, nil) }
        stations[number]?.inbox.append(.frames(frames), from: source)
        stations[number]?.count(byteCount, from: source)
        return (.queued, number)
    }

    private mutating func attach(_ plug: Plug, to listener: Int) {
        let route = withUnsafeBytes(of: nextRoute.bigEndian) { Route($0) }
        nextRoute += 1
        stations[listener]?.routes[route] = plug
        stations[plug.station]?.links[plug.link]?.peer = (listener, route)
        let held = stations[plug.station]?.links[plug.link]?.held ?? []
        stations[plug.station]?.links[plug.link]?.held = []
        stations[plug.station]?.links[plug.link]?.heldBytes = 0
        for frames in held {
            stations[listener]?.inbox.append(.frames(frames), from: .route(route))
            stations[listener]?.count(Self.byteCount(frames), from: .route(route))
        }
    }
}
