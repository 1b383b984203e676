import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** How a node and the controllers of its fleet talk: only its main process does. */
export const FLEET_LINK_METRICS = {
  fleetCalls: {
    ...counter("signalbox_fleet_calls_total", "calls", "sum"),
    help: "Calls that this node has answered as a controller, by method and outcome; refused: a message or a node that it does not take.",
    labels: ["method", "outcome"],
  },
  fleetHeldCalls: {
    ...gauge("signalbox_fleet_calls_in_flight", "calls", "main"),
    help: "Calls that this node has not answered yet as a controller; those of await are held.",
    labels: ["method"],
  },
  fleetConnections: {
    ...gauge("signalbox_fleet_connections", "connections", "main"),
    help: "Connections of nodes to this node as their controller.",
    labels: [],
  },
  fleetRefusedConnections: {
    ...counter("signalbox_fleet_refused_connections_total", "connections", "sum"),
    help: "Connections of nodes that were closed: before their handshake, as there were too many new ones in a second (rate) or too many at all (limit); without a call of the fleet's in 15 s (silent).",
    labels: ["reason"],
    always: [["rate"], ["limit"], ["silent"]],
  },
  fleetRefusedNodes: {
    ...counter("signalbox_fleet_refused_nodes_total", "calls", "sum"),
    help: "Calls of somebody without the fleet's token, or of a node whose certificate has another id than its message.",
    labels: [],
  },
  fleetReports: {
    ...counter("signalbox_fleet_reports_total", "reports", "sum"),
    help: "Reports of this node that its controller has answered.",
    labels: [],
  },
  fleetReportAge: {
    ...gauge("signalbox_fleet_last_report_age_seconds", "seconds", "main"),
    help: "Since the last Report of this node that was answered; -1: none was.",
    labels: [],
  },
  fleetControllerLost: {
    ...counter("signalbox_fleet_controller_lost_total", "times", "sum"),
    help: "Times that this node left a controller: it led no more, could not be reached, or refused this node.",
    labels: ["why"],
    always: [["not_leader"], ["unreachable"], ["refused"]],
  },
  fleetDirectives: {
    ...counter("signalbox_fleet_directives_total", "directives", "sum"),
    help: "Directives that came to this node, by what became of them; older_epoch: of somebody who leads no more.",
    labels: ["verdict"],
    always: [["applied"], ["older_epoch"], ["expired"]],
  },
  fleetDirectivesOver: {
    ...counter("signalbox_fleet_directives_over_total", "directives", "sum"),
    help: "Directives that were obeyed, and whose time was over before another one came.",
    labels: [],
  },
  fleetDirectiveEpoch: {
    ...gauge("signalbox_fleet_directive_epoch", "revision", "main"),
    help: "Epoch of the directive that is obeyed, by scope: the store's revision at which its leader came to lead.",
    labels: ["scope"],
    maxSeries: 64,
  },
  fleetMembers: {
    ...gauge("signalbox_fleet_members", "nodes", "main"),
    help: "Nodes of the fleet that targets stand for, over all that is selected: used, kept (those used of whom their controller hears no more), or unused since more than 64 fit.",
    labels: ["state"],
  },
} as const satisfies Record<string, MetricSpec>;
