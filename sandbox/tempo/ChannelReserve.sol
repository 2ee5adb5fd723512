// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

interface IToken {
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// Stands in a sandbox for the channel reserve of Tempo (TIP-1034), which is a part of the real chain that the local one
/// lacks. It keeps the published interface, events and rules. Two things differ, as a contract cannot do them: the hash of
/// the enclosing transaction is written into `openContext` from outside before each transaction, and the payer has to
/// have allowed the reserve to take its tokens.
contract ChannelReserve {
    struct Descriptor {
        address payer;
        address payee;
        address operator;
        address token;
        bytes32 salt;
        address authorizedSigner;
        bytes32 expiringNonceHash;
    }
    struct State {
        uint96 settled;
        uint96 deposit;
        uint32 closeRequestedAt;
    }
    struct Channel {
        Descriptor descriptor;
        State state;
    }

    error Refused(string why);

    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        address operator,
        address token,
        address authorizedSigner,
        bytes32 salt,
        bytes32 expiringNonceHash,
        uint96 deposit
    );
    event Settled(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        uint96 cumulativeAmount,
        uint96 deltaPaid,
        uint96 newSettled
    );
    event TopUp(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        uint96 additionalDeposit,
        uint96 newDeposit
    );
    event CloseRequested(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        uint256 closeGraceEnd
    );
    event ChannelClosed(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        uint96 settledToPayee,
        uint96 refundedToPayer
    );
    event CloseRequestCancelled(bytes32 indexed channelId, address indexed payer, address indexed payee);

    uint64 public constant CLOSE_GRACE_PERIOD = 15 minutes;
    bytes32 public constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint96 cumulativeAmount)");

    /// Slot 0: the hash that the chain itself knows of the transaction that is being carried out.
    bytes32 public openContext;
    mapping(bytes32 => State) private states;

    function open(
        address payee,
        address operator,
        address token,
        uint96 deposit,
        bytes32 salt,
        address authorizedSigner
    ) external returns (bytes32 channelId) {
        demand(payee != address(0), "payee");
        demand(deposit != 0, "deposit");
        demand(openContext != 0, "context");
        Descriptor memory d =
            Descriptor(msg.sender, payee, operator, token, salt, authorizedSigner, openContext);
        channelId = idOf(d);
        demand(states[channelId].deposit == 0, "exists");
        states[channelId] = State(0, deposit, 0);
        IToken(token).transferFrom(msg.sender, address(this), deposit);
        emit ChannelOpened(
            channelId, msg.sender, payee, operator, token, authorizedSigner, salt, openContext, deposit
        );
    }

    function settle(Descriptor calldata d, uint96 cumulativeAmount, bytes calldata signature) external {
        (bytes32 id, State memory s) = existing(d);
        onlyPayeeSide(d);
        demand(cumulativeAmount <= s.deposit, "beyond deposit");
        demand(cumulativeAmount > s.settled, "not increasing");
        checkVoucher(d, id, cumulativeAmount, signature);
        uint96 delta = cumulativeAmount - s.settled;
        states[id].settled = cumulativeAmount;
        IToken(d.token).transfer(d.payee, delta);
        emit Settled(id, d.payer, d.payee, cumulativeAmount, delta, cumulativeAmount);
    }

    function topUp(Descriptor calldata d, uint96 additionalDeposit) external {
        (bytes32 id, State memory s) = existing(d);
        demand(msg.sender == d.payer, "not payer");
        if (additionalDeposit == 0 && s.closeRequestedAt == 0) return;
        s.deposit += additionalDeposit;
        bool cancels = s.closeRequestedAt != 0;
        s.closeRequestedAt = 0;
        states[id] = s;
        if (additionalDeposit != 0) IToken(d.token).transferFrom(msg.sender, address(this), additionalDeposit);
        if (cancels) emit CloseRequestCancelled(id, d.payer, d.payee);
        emit TopUp(id, d.payer, d.payee, additionalDeposit, s.deposit);
    }

    function close(
        Descriptor calldata d,
        uint96 cumulativeAmount,
        uint96 captureAmount,
        bytes calldata signature
    ) external {
        (bytes32 id, State memory s) = existing(d);
        onlyPayeeSide(d);
        demand(captureAmount >= s.settled && captureAmount <= cumulativeAmount, "capture");
        demand(captureAmount <= s.deposit, "beyond deposit");
        if (captureAmount > s.settled) checkVoucher(d, id, cumulativeAmount, signature);
        finish(d, id, captureAmount - s.settled, captureAmount, s.deposit - captureAmount);
    }

    function requestClose(Descriptor calldata d) external {
        (bytes32 id, State memory s) = existing(d);
        demand(msg.sender == d.payer, "not payer");
        if (s.closeRequestedAt != 0) return;
        states[id].closeRequestedAt = uint32(block.timestamp);
        emit CloseRequested(id, d.payer, d.payee, block.timestamp + CLOSE_GRACE_PERIOD);
    }

    function withdraw(Descriptor calldata d) external {
        (bytes32 id, State memory s) = existing(d);
        demand(msg.sender == d.payer, "not payer");
        demand(
            s.closeRequestedAt != 0 && block.timestamp >= uint256(s.closeRequestedAt) + CLOSE_GRACE_PERIOD,
            "not ready"
        );
        finish(d, id, 0, s.settled, s.deposit - s.settled);
    }

    function getChannel(Descriptor calldata d) external view returns (Channel memory) {
        return Channel(d, states[idOf(d)]);
    }

    function getChannelState(bytes32 channelId) external view returns (State memory) {
        return states[channelId];
    }

    function getChannelStatesBatch(bytes32[] calldata ids) external view returns (State[] memory found) {
        found = new State[](ids.length);
        for (uint256 i = 0; i < ids.length; i++) found[i] = states[ids[i]];
    }

    function getVoucherDigest(bytes32 channelId, uint96 cumulativeAmount) public view returns (bytes32) {
        bytes32 voucher = keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, cumulativeAmount));
        return keccak256(abi.encodePacked("\x19\x01", domainSeparator(), voucher));
    }

    function domainSeparator() public view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("TIP20 Channel Reserve"),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
    }

    function finish(Descriptor calldata d, bytes32 id, uint96 toPayee, uint96 settled, uint96 refund) private {
        delete states[id];
        if (toPayee != 0) IToken(d.token).transfer(d.payee, toPayee);
        if (refund != 0) IToken(d.token).transfer(d.payer, refund);
        emit ChannelClosed(id, d.payer, d.payee, settled, refund);
    }

    function existing(Descriptor calldata d) private view returns (bytes32 id, State memory s) {
        id = idOf(d);
        s = states[id];
        demand(s.deposit != 0, "no channel");
    }

    function onlyPayeeSide(Descriptor calldata d) private view {
        demand(
            msg.sender == d.payee || (d.operator != address(0) && msg.sender == d.operator), "not payee side"
        );
    }

    function checkVoucher(Descriptor calldata d, bytes32 id, uint96 amount, bytes calldata sig) private view {
        demand(sig.length == 65, "signature");
        uint8 v = uint8(sig[64]);
        address by =
            ecrecover(getVoucherDigest(id, amount), v < 27 ? v + 27 : v, bytes32(sig[:32]), bytes32(sig[32:64]));
        address signer = d.authorizedSigner == address(0) ? d.payer : d.authorizedSigner;
        demand(by != address(0) && by == signer, "signature");
    }

    function idOf(Descriptor memory d) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                d.payer,
                d.payee,
                d.operator,
                d.token,
                d.salt,
                d.authorizedSigner,
                d.expiringNonceHash,
                address(this),
                block.chainid
            )
        );
    }

    function demand(bool holds, string memory why) private pure {
        if (!holds) revert Refused(why);
    }
}
