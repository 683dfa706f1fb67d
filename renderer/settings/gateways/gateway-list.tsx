/** The gateways in the order in which they are used. */
import { Button, makeStyles, mergeClasses, Switch, tokens, Tooltip } from '@fluentui/react-components';
import {
  ArrowDown16Regular,
  ArrowUp16Regular,
  CheckmarkCircle16Filled,
  CircleOff16Regular,
  Delete20Regular,
  Edit20Regular,
  ErrorCircle16Filled,
  QuestionCircle16Regular,
  ReOrderDotsVertical20Regular,
  Warning16Filled,
} from '@fluentui/react-icons';
import { useState, type ComponentType, type KeyboardEvent } from 'react';
import type { GatewaySettings } from '../../../shared/settings.ts';
import type { GatewayState } from '../../../shared/status.ts';
import { canMove, moveTo, byPriority, moveBy, withPriority } from './order.ts';
import { PriorityControl } from './priority-control.tsx';
import { useLocale } from '../../i18n/locale.tsx';

const useStyles = makeStyles({
  list: {
    listStyleType: 'none',
    margin: 0,
    padding: 0,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
    overflow: 'hidden',
  },
  row: {
    display: 'grid',
    gridTemplateColumns: '24px minmax(0, 1fr) auto',
    columnGap: '8px',
    alignItems: 'center',
    padding: '10px 8px 10px 8px',
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ':last-child': { borderBottom: 'none' },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  },
  over: { boxShadow: `inset 0 2px 0 ${tokens.colorCompoundBrandStroke}` },
  dragged: { opacity: 0.4 },
  off: { color: tokens.colorNeutralForeground3 },
  grip: { color: tokens.colorNeutralForeground4, cursor: 'grab', display: 'flex' },
  words: { minWidth: 0 },
  title: { display: 'flex', alignItems: 'baseline', columnGap: '8px', minWidth: 0 },
  name: { fontWeight: tokens.fontWeightSemibold, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  host: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
  },
  state: {
    display: 'flex',
    alignItems: 'flex-start',
    columnGap: '6px',
    marginTop: '4px',
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
    minWidth: 0,
    '& svg': { flexShrink: 0 },
  },
  stateText: { minWidth: 0, overflowWrap: 'anywhere' },
  good: { color: tokens.colorStatusSuccessForeground1, display: 'flex' },
  wait: { color: tokens.colorStatusWarningForeground3, display: 'flex' },
  error: { color: tokens.colorStatusDangerForeground1, display: 'flex' },
  calm: { color: tokens.colorNeutralForeground3, display: 'flex' },
  tools: { display: 'grid', justifyItems: 'end', rowGap: '4px' },
  buttons: { display: 'flex', alignItems: 'center' },
});

const LOOKS: Readonly<
  Record<GatewayState['state'], { readonly icon: ComponentType; readonly tone: 'good' | 'wait' | 'error' | 'calm' }>
> = {
  works: { icon: CheckmarkCircle16Filled, tone: 'good' },
  unreachable: { icon: Warning16Filled, tone: 'wait' },
  'sign-in-refused': { icon: ErrorCircle16Filled, tone: 'error' },
  'tls-failed': { icon: ErrorCircle16Filled, tone: 'error' },
  refused: { icon: ErrorCircle16Filled, tone: 'error' },
  disabled: { icon: CircleOff16Regular, tone: 'calm' },
  'not-here': { icon: CircleOff16Regular, tone: 'calm' },
  unknown: { icon: QuestionCircle16Regular, tone: 'calm' },
};

interface Props {
  readonly list: readonly GatewaySettings[];
  readonly states: readonly GatewayState[];
  readonly onList: (next: readonly GatewaySettings[]) => void;
  readonly onEdit: (gateway: GatewaySettings) => void;
  readonly onDelete: (gateway: GatewaySettings) => void;
}

export function GatewayList({ list, states, onList, onEdit, onDelete }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const [dragged, setDragged] = useState<string | null>(null);
  const [over, setOver] = useState<string | null>(null);
  const endDrag = () => {
    setDragged(null);
    setOver(null);
  };
  const press = (event: KeyboardEvent, id: string) => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
    event.preventDefault();
    onList(moveBy(list, id, event.key === 'ArrowUp' ? -1 : 1));
  };
  return (
    <ul className={styles.list} aria-label={t('gateways.list')}>
      {byPriority(list).map((gateway) => {
        const { id, name } = gateway;
        return (
          <li
            key={id}
            className={mergeClasses(
              styles.row,
              !gateway.enabled && styles.off,
              over === id && dragged !== id && styles.over,
              dragged === id && styles.dragged,
            )}
            draggable
            onKeyDown={(event) => press(event, id)}
            onDragStart={(event) => {
              event.dataTransfer.effectAllowed = 'move';
              event.dataTransfer.setData('text/plain', name);
              setDragged(id);
            }}
            onDragOver={(event) => {
              if (dragged === null) return;
              event.preventDefault();
              setOver(id);
            }}
            onDrop={(event) => {
              event.preventDefault();
              if (dragged !== null) onList(moveTo(list, dragged, id));
              endDrag();
            }}
            onDragEnd={endDrag}
            onDoubleClick={(event) => {
              if (!(event.target instanceof Element && event.target.closest('button, input, label'))) onEdit(gateway);
            }}
          >
            <span className={styles.grip} title={t('gateways.drag')} aria-hidden>
              <ReOrderDotsVertical20Regular />
            </span>
            <GatewayWords gateway={gateway} state={states.find((one) => one.id === id)} />
            <div className={styles.tools}>
              <PriorityControl
                name={name}
                value={gateway.priority}
                onChange={(next) => onList(withPriority(list, id, next))}
              />
              <RowButtons list={list} gateway={gateway} onList={onList} onEdit={onEdit} onDelete={onDelete} />
            </div>
          </li>
        );
      })}
    </ul>
  );
}

interface WordsProps {
  readonly gateway: GatewaySettings;
  readonly state: GatewayState | undefined;
}

/** Name, server and state of one gateway. */
function GatewayWords({ gateway, state }: WordsProps) {
  const styles = useStyles();
  const { t, phraseText } = useLocale();
  const { name } = gateway;
  const { icon: Icon, tone } = LOOKS[gateway.enabled ? (state?.state ?? 'unknown') : 'disabled'];
  const words = !gateway.enabled
    ? t('gateways.disabled')
    : state === undefined
      ? t('gateways.unknown')
      : phraseText(state.phrase);
  const server = `${gateway.host}:${gateway.port}`;
  return (
    <div className={styles.words}>
      <div className={styles.title}>
        <span className={styles.name} title={name}>
          {name}
        </span>
        <span className={styles.host} title={server}>
          {server}
        </span>
      </div>
      <div className={styles.state} aria-live="polite">
        <span className={styles[tone]} aria-hidden>
          <Icon />
        </span>
        <span className={styles.stateText} title={words}>
          {words}
        </span>
      </div>
    </div>
  );
}

interface ButtonsProps extends Omit<Props, 'states'> {
  readonly gateway: GatewaySettings;
}

function RowButtons({ list, gateway, onList, onEdit, onDelete }: ButtonsProps) {
  const styles = useStyles();
  const { t } = useLocale();
  const { id, name } = gateway;
  return (
    <div className={styles.buttons}>
      <Tooltip content={t('gateways.up')} relationship="description">
        <Button
          appearance="subtle"
          size="small"
          icon={<ArrowUp16Regular />}
          aria-label={t('gateways.upOf', { name })}
          disabledFocusable={!canMove(list, id, -1)}
          onClick={() => onList(moveBy(list, id, -1))}
        />
      </Tooltip>
      <Tooltip content={t('gateways.down')} relationship="description">
        <Button
          appearance="subtle"
          size="small"
          icon={<ArrowDown16Regular />}
          aria-label={t('gateways.downOf', { name })}
          disabledFocusable={!canMove(list, id, 1)}
          onClick={() => onList(moveBy(list, id, 1))}
        />
      </Tooltip>
      <Button
        appearance="subtle"
        size="small"
        icon={<Edit20Regular />}
        aria-label={t('gateways.editOf', { name })}
        onClick={() => onEdit(gateway)}
      />
      <Button
        appearance="subtle"
        size="small"
        icon={<Delete20Regular />}
        aria-label={t('gateways.deleteOf', { name })}
        onClick={() => onDelete(gateway)}
      />
      <Switch
        aria-label={t('gateways.enabledOf', { name })}
        checked={gateway.enabled}
        onChange={(_, data) => onList(list.map((one) => (one.id === id ? { ...one, enabled: data.checked } : one)))}
      />
    </div>
  );
}
